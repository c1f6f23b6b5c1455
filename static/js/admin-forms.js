/* Forms of the administration: one click sends once; after a refusal the reason is read first. */
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
});

/* Back from the next page: the form may be sent again. */
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[type=submit]")) button.removeAttribute("aria-disabled");
  }
});

document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("[data-focus]")?.focus();
});

/* Unfold writes a chosen file's name into the text input of its own widget. A plain file input has none beside it, and shows
   the name itself: it is marked as seen to before Unfold comes by. */
const markFiles = () => {
  for (const input of document.querySelectorAll("input[type=file]")) {
    if (!input.parentElement.matches(".opacity-0")) input.hasChangeListener = true;
  }
};
document.addEventListener("DOMContentLoaded", markFiles);
new MutationObserver(markFiles).observe(document.documentElement, { childList: true, subtree: true });

/* Menus of the header close when one goes on or presses Escape. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-drop][open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details[data-drop][open]");
  if (!menu) return;
  menu.removeAttribute("open");
  menu.querySelector("summary").focus();
});
