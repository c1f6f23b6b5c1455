/*
 * What every portal page does beyond HTML. Each part works on attributes and is missed by nobody when scripts are off.
 *
 *  [data-focus]            gets the focus when the page opens (the list of errors)
 *  details.menu            closes on Escape and on a click elsewhere
 *  form[data-once]         cannot be sent twice by a double click
 *  [data-upload]           says how large the chosen file is, and that a file too large will be refused
 *  [data-pick-all]         ticks every box of its table
 *  [data-count]            counts the characters typed into the field with that id
 */
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const csrf = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
  });

  // Somebody whose session ended is taken to the sign-in page and comes back; a login page inside a page helps nobody.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.responseURL.includes("/accounts/login/")) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });

  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[method=post]") || form.matches("[data-repeat]")) return;
    if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 8000) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = String(Date.now());
  });

  // Coming back by the browser's button must find the form as it was, ready to be sent.
  window.addEventListener("pageshow", () => {
    for (const form of all("form[data-sent]")) delete form.dataset.sent;
  });

  const readable = (bytes) =>
    bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;

  document.addEventListener("change", (event) => {
    const box = event.target.closest?.("[data-upload]");
    if (box && event.target.type === "file") {
      const note = box.querySelector("[data-upload-note]");
      const most = Number(box.dataset.maxMb || 0);
      const files = [...event.target.files];
      const large = files.find((file) => most && file.size > most * 1024 * 1024);
      if (large) {
        note.textContent = interpolate(
          gettext("“%(name)s” has %(size)s; at most %(most)s MB are taken."),
          { name: large.name, size: readable(large.size), most },
          true,
        );
      } else {
        note.textContent = files.map((file) => `${file.name} (${readable(file.size)})`).join(", ");
      }
    }
    if (event.target.matches?.("[data-pick-all]")) {
      for (const pick of all("input[name=pick]", event.target.closest("table"))) pick.checked = event.target.checked;
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("[data-focus]")?.focus();
    // On a telephone the line of tabs scrolls: show the one that this page is.
    for (const tab of all(".tabs [aria-current]")) {
      tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
    }
    for (const pick of all("[data-pick-all]")) pick.hidden = false;
  });
})();
