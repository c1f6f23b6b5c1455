/*
 * The builder of calls. Buttons with data-sure ask once more. The text of a notice: what people read is drawn again
 * shortly after one stops typing; without scripts a button does it.
 */
(function () {
  "use strict";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sure]");
    if (button && !window.confirm(button.dataset.sure)) {
      event.preventDefault();
    }
  });

  const form = document.querySelector("form[data-preview]");
  const target = form && document.getElementById(form.dataset.preview);
  if (!target) {
    return;
  }
  let waiting = 0;
  let asked = 0;

  async function draw() {
    const number = ++asked;
    const body = new FormData(form);
    body.set("do", "preview");
    try {
      const answer = await fetch(window.location.href, {
        method: "POST",
        body,
        headers: { "X-Part": "preview" },
        credentials: "same-origin",
      });
      if (answer.ok && number === asked) {
        target.innerHTML = await answer.text();
      }
    } catch {
      // The next key, or the button, tries again.
    }
  }

  form.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(draw, 400);
  });
})();
