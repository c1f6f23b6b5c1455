/* Passkeys: asks the browser for one and sends what it answers. A form says what for in data-passkey; the options of the
   server stand in the JSON element that data-options names, or are fetched from the form's own address. */
"use strict";

(() => {
  const complain = (form) => {
    const place = form.querySelector("[data-passkey-failed]");
    if (place) place.hidden = false;
  };

  const options = async (form) => {
    const element = form.dataset.options && document.getElementById(form.dataset.options);
    if (element) return JSON.parse(element.textContent);
    const response = await fetch(form.action, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
    if (!response.ok) throw new Error("no options");
    return response.json();
  };

  const add = async (form) => {
    const { creation_options: wanted } = await options(form);
    const alone = form.querySelector("[name=passwordless]")?.checked ?? false;
    const selection = wanted.publicKey.authenticatorSelection;
    selection.residentKey = alone ? "required" : "discouraged";
    selection.requireResidentKey = alone;
    if (alone) selection.userVerification = "required";
    return window.webauthnJSON.create(wanted);
  };

  const use = async (form) => window.webauthnJSON.get((await options(form)).request_options);

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential || !window.webauthnJSON) continue;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      const field = form.querySelector("[name=credential]");
      if (field.value) return;
      event.preventDefault();
      try {
        const made = await (form.dataset.passkey === "add" ? add(form) : use(form));
        field.value = JSON.stringify(made);
        form.submit();
      } catch {
        complain(form);
      }
    });
  }
})();
