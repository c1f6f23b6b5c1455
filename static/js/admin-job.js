/* A job's page looks again while the job is open, and shows the whole page anew once it has ended, or is no longer shown. */
"use strict";

(() => {
  const look = async () => {
    const box = document.getElementById("job-progress");
    if (!box || !("open" in box.dataset)) return;
    try {
      const response = await fetch(window.location.href, { headers: { "X-Requested-With": "fetch" } });
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const fresh = page.getElementById("job-progress");
        if (!fresh || !("open" in fresh.dataset)) return window.location.reload();
        box.replaceChildren(...fresh.childNodes);
      }
    } catch {
      /* The connection is away for a moment; the next look will tell. */
    }
    window.setTimeout(look, 1500);
  };
  window.setTimeout(look, 1000);
})();
