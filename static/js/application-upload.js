/* Files of an application: sent one by one with progress, taken out again, without leaving the page. */
(function () {
  "use strict";

  const form = window.applicationForm;
  if (!form) return;
  const { root, asks, headers, update, denied, say } = form;
  const MEGABYTE = 1024 * 1024;

  function listOf(element) {
    return element.querySelector("[data-files]");
  }

  function line(element, name) {
    const item = document.createElement("li");
    item.className = "upload";
    const label = document.createElement("span");
    label.textContent = name;
    const bar = document.createElement("progress");
    bar.className = "bar";
    bar.max = 1;
    bar.setAttribute("aria-label", interpolate(gettext("Sending %s"), [name]));
    const words = document.createElement("span");
    words.className = "quiet";
    words.setAttribute("role", "status");
    item.append(label, words, bar);
    underway(element).append(item);
    return { item, bar, words };
  }

  /* Uploads under way stand below the list, which the server's answer replaces. */
  function underway(element) {
    let list = element.querySelector("[data-uploads]");
    if (!list) {
      list = document.createElement("ul");
      list.className = "file-list";
      list.dataset.uploads = "";
      listOf(element).after(list);
    }
    return list;
  }

  function fail(shown, message, again) {
    shown.item.classList.add("is-failed");
    shown.bar.remove();
    shown.words.className = "invalid-feedback d-block";
    shown.words.setAttribute("role", "alert");
    shown.words.textContent = message;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn btn-link btn-sm";
    close.textContent = again ? gettext("Try again") : gettext("Close");
    close.addEventListener("click", () => {
      shown.item.remove();
      if (again) again();
    });
    shown.item.append(close);
  }

  function replaceList(element, html) {
    const holder = document.createElement("div");
    holder.innerHTML = html;
    const fresh = holder.querySelector("[data-files]");
    if (fresh) listOf(element).replaceWith(fresh);
  }

  function upload(element, file) {
    const key = element.dataset.ask;
    const shown = line(element, file.name);
    const most = Number(element.querySelector("[data-upload]").dataset.maxMb || root.dataset.maxMb);
    if (file.size > most * MEGABYTE) {
      const size = (file.size / MEGABYTE).toFixed(1);
      fail(shown, interpolate(gettext("%(size)s MB is too large: at most %(most)s MB a file."), { size, most }, true));
      return Promise.resolve();
    }
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", root.dataset.fileUrl.replace("__key__", encodeURIComponent(key)));
      Object.entries(headers()).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        shown.bar.value = event.loaded / event.total;
        shown.words.textContent = `${Math.round((100 * event.loaded) / event.total)} %`;
      });
      const again = () => upload(element, file);
      request.addEventListener("error", () => {
        fail(shown, gettext("The connection broke off. The file was not sent."), again);
        done();
      });
      request.addEventListener("load", () => {
        const data = request.response;
        if (request.status === 200 && data) {
          shown.item.remove();
          replaceList(element, data.files);
          update(data);
          say();
        } else if (request.status >= 500) {
          fail(shown, gettext("The file could not be kept. Try again in a moment."), again);
        } else {
          const message = data && data.message ? data.message : gettext("This file could not be taken.");
          fail(shown, message, request.status === 401 ? again : null);
          if ([401, 403, 404, 409].includes(request.status)) denied({ status: request.status, type: "basic" }, data);
        }
        done();
      });
      const body = new FormData();
      body.append("file", file);
      request.send(body);
    });
  }

  async function remove(element, number) {
    try {
      const response = await fetch(root.dataset.removeUrl.replace("/0/", `/${number}/`), {
        method: "POST",
        headers: headers(),
        credentials: "same-origin",
      });
      const data = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : null;
      if (response.ok && data) {
        replaceList(element, data.files);
        update(data);
        element.querySelector("[data-upload]").focus();
        return say();
      }
      return denied(response, data);
    } catch {
      const shown = line(element, "");
      return fail(shown, gettext("The connection broke off. The file is still there."), () => remove(element, number));
    }
  }

  asks.forEach((element) => {
    const input = element.querySelector("[data-upload]");
    if (!input) return;
    input.addEventListener("change", async (event) => {
      event.stopPropagation();
      const files = Array.from(input.files);
      input.value = "";
      for (const file of files) await upload(element, file);
    });
    element.addEventListener("click", (event) => {
      const pressed = event.target.closest("button[name=remove]");
      if (!pressed) return;
      event.preventDefault();
      remove(element, pressed.value);
    });
  });
})();
