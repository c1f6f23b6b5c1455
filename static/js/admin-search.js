/* The menu's search: results as one types, arrow keys to go through them, "t" to come here, Escape to close. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form[data-search]");
  if (!form) return;
  const input = form.querySelector("input");
  const box = form.querySelector("#search-results");
  let timer = 0;
  let asked = "";

  const close = () => {
    box.replaceChildren();
    box.classList.remove("staff-found");
    asked = "";
  };

  const ask = async () => {
    const text = input.value.trim();
    if (text === asked) return;
    if (!text) return close();
    asked = text;
    try {
      const address = `${form.action}?${new URLSearchParams({ s: text })}`;
      const response = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
      if (!response.ok || text !== asked) return;
      box.innerHTML = await response.text();
      box.classList.add("staff-found");
    } catch {
      close();
    }
  };

  const move = (step) => {
    const links = [...box.querySelectorAll("a")];
    if (!links.length) return;
    const next = links.indexOf(document.activeElement) + step;
    (next < 0 ? input : links[Math.min(next, links.length - 1)]).focus();
  };

  input.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, 250);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      close();
      input.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "t" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
});
