/*
 * Saves an application as it is typed: each answer on its own, with the revision it was written upon.
 *
 * Nothing typed is ever lost: it lies in localStorage from the first key stroke until the server has it. What cannot be
 * sent (no connection, session over, server away) is sent later, by itself; what somebody else has changed meanwhile is
 * shown beside one's own; what can no longer be taken (deadline, role withdrawn) stays on the page, to be copied.
 */
(function () {
  "use strict";

  const form = window.applicationForm;
  if (!form) return;
  const { root, asks, read, write, text } = form;
  const user = Number(root.dataset.user);
  const prefix = `park.application.${root.dataset.apply}.${user}.`;
  const statusLine = root.querySelector("[data-status]");
  const statusBox = root.querySelector("[data-status-box]");
  const statusActions = root.querySelector("[data-status-actions]");
  const PAUSE = 900;
  const LONGEST = 60000;
  const TIMEOUT = 20000;

  const states = new Map();
  let stopped = root.hasAttribute("data-over") ? "over" : "";
  let away = ""; // "", "offline", "signed_out", "other_user"
  let savedAt = "";
  let waits = 0;
  let retry = null;
  let poll = null;

  // --- what is kept in this browser ---------------------------------------------------------------------------------

  let store = null;
  try {
    store = window.localStorage;
    store.getItem(prefix);
  } catch {
    store = null; // the browser keeps nothing; leaving the page then asks first
  }

  function keep(key, raw, revision) {
    try {
      store.setItem(prefix + key, JSON.stringify({ raw, revision, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  function drop(key) {
    if (store) store.removeItem(prefix + key);
  }

  function kept() {
    const found = new Map();
    if (!store) return found;
    for (let index = 0; index < store.length; index += 1) {
      const name = store.key(index);
      if (!name.startsWith(prefix)) continue;
      try {
        found.set(name.slice(prefix.length), JSON.parse(store.getItem(name)));
      } catch {
        // not ours, or cut short: leave it alone
      }
    }
    return found;
  }

  // --- the line that says how things are ------------------------------------------------------------------------------

  const isChanged = (state) => JSON.stringify(read(state.element)) !== state.base;
  const unsaved = () => Array.from(states.values()).filter(isChanged);

  function say() {
    const open = unsaved();
    const conflicts = open.filter((state) => state.conflict).length;
    const refused = open.filter((state) => state.refused).length;
    let words = "";
    let tone = "";
    if (stopped) {
      const idle = stopped === "over" ? "" : gettext("Nothing can be saved here any more.");
      words = open.length ? gettext("Not saved. Your text is still here; copy it.") : idle;
      tone = open.length ? "bad" : "";
    } else if (away === "signed_out" || away === "other_user") {
      words = gettext("Not saved: sign in again, then saving goes on by itself.");
      tone = "bad";
    } else if (away === "offline" && open.length) {
      words = gettext("Not saved yet: no connection. Will be tried again; your text is kept in this browser.");
      tone = "wait";
    } else if (conflicts) {
      words = gettext("Not saved: an answer was changed elsewhere meanwhile. Choose which text to keep.");
      tone = "wait";
    } else if (refused) {
      words = gettext("Not saved: see the message beside the question.");
      tone = "bad";
    } else if (open.length) {
      words = gettext("Saving…");
    } else if (savedAt) {
      words = interpolate(gettext("Saved %s"), [savedAt]);
      tone = "good";
    } else {
      words = gettext("Every answer is saved as you type.");
    }
    if (statusLine.textContent !== words) statusLine.textContent = words;
    statusBox.dataset.tone = tone;
  }

  function notice(id, tone, words, actions) {
    let box = document.getElementById(id);
    if (!box) {
      box = document.querySelector("[data-notice-template]").content.firstElementChild.cloneNode(true);
      box.id = id;
      root.before(box);
    }
    box.className = `callout tone-${tone} apply-notice`;
    box.querySelector("[data-notice-text]").textContent = words;
    box.querySelector("[data-notice-actions]").replaceChildren(...(actions || []));
    return box;
  }

  function unnotice(id) {
    const box = document.getElementById(id);
    if (box) box.remove();
  }

  function button(label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-secondary btn-sm";
    made.textContent = label;
    made.addEventListener("click", act);
    return made;
  }

  function link(label, address) {
    const made = document.createElement("a");
    made.className = "btn btn-primary btn-sm";
    made.href = address;
    made.target = "_blank";
    made.rel = "noopener";
    made.textContent = label;
    return made;
  }

  /* Offers answers that could not be saved as one text: into the clipboard, or to be copied by hand. */
  function copyButton(pairs) {
    return button(gettext("Copy what was not saved"), async (event) => {
      const words = pairs().map(([label, raw]) => `${label}\n${text(raw)}`).join("\n\n");
      try {
        await navigator.clipboard.writeText(words);
        event.target.textContent = gettext("Copied");
      } catch {
        const field = document.createElement("textarea");
        field.className = "form-control";
        field.rows = 8;
        field.readOnly = true;
        field.value = words;
        field.setAttribute("aria-label", gettext("What was not saved"));
        event.target.replaceWith(field);
        field.select();
      }
    });
  }

  const openPairs = () => unsaved().map((state) => [state.element.dataset.label, read(state.element)]);

  // --- messages beside a question -------------------------------------------------------------------------------------

  /* Mark the cell of a table that was refused: `place` is "row-column", counting only the rows that are filled. */
  function markCell(state, place) {
    state.element.querySelectorAll("[data-rows] [aria-invalid]").forEach((input) => {
      input.classList.remove("is-invalid");
      input.removeAttribute("aria-invalid");
    });
    const found = /^(\d+)-(.+)$/.exec(place || "");
    if (!found) return;
    const rows = Array.from(state.element.querySelectorAll("[data-rows] > tr"), (line) =>
      Array.from(line.querySelectorAll("input, textarea, select")),
    ).filter((inputs) => inputs.some((input) => input.value.trim() !== ""));
    const cell = (rows[Number(found[1])] || []).find((input) => input.name.endsWith(`-${found[2]}`));
    if (!cell) return;
    cell.classList.add("is-invalid");
    cell.setAttribute("aria-invalid", "true");
  }

  function showProblems(state, problems, place) {
    markCell(state, place);
    const box = state.element.querySelector("[data-problems]");
    if (!box) return;
    box.replaceChildren(
      ...problems.map((words) => {
        const line = document.createElement("div");
        line.textContent = words;
        return line;
      }),
    );
    box.classList.toggle("d-block", problems.length > 0);
    const field = state.element.querySelector("[data-question] .form-control");
    if (field && !state.element.querySelector("[data-table]")) field.classList.toggle("is-invalid", problems.length > 0);
  }

  function saysProblems(state) {
    return state.element.querySelector("[data-problems] > div") !== null;
  }

  function note(state, nodes) {
    const box = state.element.querySelector("[data-note]");
    if (box) box.replaceChildren(...nodes);
  }

  function paragraph(words, css) {
    const made = document.createElement("p");
    made.className = css || "";
    made.textContent = words;
    return made;
  }

  /* Both texts, one's own in the field and the stored one beside it; nothing is sent until one is chosen. */
  function showConflict(state, found) {
    state.conflict = found;
    const box = document.createElement("div");
    box.className = "conflict";
    box.setAttribute("role", "alert");
    let who = gettext("This answer was changed elsewhere. Yours is in the field above.");
    if (found.own) {
      who = interpolate(
        gettext("You changed this in another window at %(at)s. What you typed here is in the field above."),
        found,
        true,
      );
    } else if (found.person) {
      who = interpolate(gettext("%(person)s changed this answer at %(at)s. Yours is in the field above."), found, true);
    }
    const theirs = document.createElement("div");
    theirs.className = "conflict-text";
    theirs.append(paragraph(gettext("Stored now"), "conflict-head"), paragraph(found.text || "—", "user-text"));
    const buttons = document.createElement("p");
    buttons.className = "actions";
    buttons.append(
      button(gettext("Keep mine"), () => {
        state.revision = found.revision;
        state.conflict = null;
        note(state, []);
        send(state);
      }),
      button(gettext("Take what is stored"), () => {
        write(state.element, found.raw);
        state.base = JSON.stringify(read(state.element));
        setRevision(state, found.revision);
        state.conflict = null;
        drop(state.key);
        note(state, []);
        showProblems(state, []);
        say();
      }),
    );
    box.append(paragraph(who, "conflict-who"), theirs, buttons);
    note(state, [box]);
    say();
  }

  function setRevision(state, revision) {
    state.revision = revision;
    const hidden = state.element.querySelector(`input[name="revision-${CSS.escape(state.key)}"]`);
    if (hidden) hidden.value = String(revision);
  }

  // --- sending --------------------------------------------------------------------------------------------------------

  function cookie(name) {
    const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  function headers(more) {
    const hidden = document.querySelector("input[name=csrfmiddlewaretoken]");
    return {
      Accept: "application/json",
      // For whom the page was made: what is typed here is never saved in anybody else's name.
      "X-Typist": String(user),
      "X-CSRFToken": cookie("__Host-csrf") || cookie("csrftoken") || (hidden ? hidden.value : ""),
      ...more,
    };
  }

  const addressOf = (key) => root.dataset.answerUrl.replace("__key__", encodeURIComponent(key));

  function schedule(state, delay) {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => send(state), delay);
  }

  async function send(state) {
    clearTimeout(state.timer);
    if (stopped || state.sending || state.conflict || away === "signed_out" || away === "other_user") return say();
    const raw = read(state.element);
    const body = JSON.stringify(raw);
    if (body === state.base || body === state.refused) return say();
    state.sending = true;
    say();
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT);
    let response = null;
    let data = null;
    try {
      response = await fetch(addressOf(state.key), {
        method: "POST",
        credentials: "same-origin",
        headers: headers({ "Content-Type": "application/json" }),
        body: JSON.stringify({ raw, revision: state.revision }),
        signal: abort.signal,
        redirect: "manual",
      });
      if ((response.headers.get("Content-Type") || "").includes("application/json")) data = await response.json();
    } catch {
      response = null;
    }
    clearTimeout(timer);
    state.sending = false;
    if (response === null || response.status >= 500 || response.status === 429) return goOffline();
    if (response.ok && data) return taken(state, body, data);
    if (response.status === 409 && data && data.code === "conflict") {
      comeBack();
      return showConflict(state, data);
    }
    if (!denied(response, data)) refuse(state, body, data);
    return say();
  }

  function taken(state, body, data) {
    comeBack();
    state.base = body;
    state.refused = "";
    setRevision(state, data.revision);
    if (isChanged(state)) {
      keep(state.key, read(state.element), state.revision);
      schedule(state, PAUSE);
    } else {
      drop(state.key);
    }
    savedAt = data.saved_at;
    // Who is still writing need not be told what is missing; it is said when they leave the question. What is said
    // already is brought up to date at once.
    state.problems = data.problems || [];
    if (!state.problems.length || saysProblems(state) || !state.element.contains(document.activeElement)) {
      showProblems(state, state.problems);
    }
    note(state, []);
    update(data);
    say();
  }

  /* What every answer of the server brings: progress, conditions of the call, the title. */
  function update(data) {
    const progress = root.querySelector("[data-progress]");
    progress.max = Math.max(data.wanted, 1);
    progress.value = data.done;
    root.querySelector("[data-done]").textContent = String(data.done);
    root.querySelector("[data-wanted]").textContent = String(data.wanted);
    const box = root.querySelector("[data-eligibility]");
    if (box.dataset.shown !== data.eligibility) {
      box.innerHTML = data.eligibility;
      box.dataset.shown = data.eligibility;
    }
    const title = document.querySelector("[data-title]");
    if (title) title.textContent = data.title || title.dataset.untitled;
    if (data.saved_at) savedAt = data.saved_at;
  }

  function refuse(state, body, data) {
    comeBack();
    state.refused = body;
    showProblems(
      state,
      [data && data.message ? data.message : gettext("This answer could not be saved.")],
      data && data.field,
    );
  }

  /* Deals with answers that concern the whole form; returns whether this one did. */
  function denied(response, data) {
    const code = data ? data.code : "";
    if (response.status === 401 || response.type === "opaqueredirect") {
      signedOut(code || "signed_out", data && data.message);
      return true;
    }
    if (response.status === 403 && !data) {
      // A new session has a new token: ask who is signed in now, then send again.
      away = "offline";
      later();
      return true;
    }
    if (response.status === 403 || response.status === 404) {
      stop(
        (data && data.message) ||
          gettext("You can no longer see this application. Your role may have been withdrawn; ask an owner."),
      );
      return true;
    }
    if (response.status === 409) {
      stop(data && data.message ? data.message : gettext("Nothing can be saved here any more."), true);
      return true;
    }
    return false;
  }

  /* Nothing can be saved any more; with `moved` the thing itself went on, and its own page tells where it stands. */
  function stop(words, moved) {
    stopped = "stopped";
    const actions = moved ? [link(gettext("See where it stands"), root.dataset.selfUrl)] : [];
    if (unsaved().length) actions.push(copyButton(openPairs));
    notice("apply-stopped", "bad", words, actions).scrollIntoView({ block: "nearest" });
    statusActions.replaceChildren(...(moved ? [link(gettext("See where it stands"), root.dataset.selfUrl)] : []));
    // What the page says of its state, and its button to go on, are of the past.
    document.querySelectorAll(".state-line, [data-check]").forEach((element) => {
      element.hidden = true;
    });
    say();
  }

  function goOffline() {
    if (away === "") away = "offline";
    later();
    say();
  }

  function later() {
    clearTimeout(retry);
    waits = Math.min(waits + 1, 6);
    retry = setTimeout(flush, Math.min(1000 * 2 ** waits, LONGEST));
  }

  function comeBack() {
    waits = 0;
    clearTimeout(retry);
    clearInterval(poll);
    poll = null;
    if (away) {
      away = "";
      unnotice("apply-signed-out");
      statusActions.replaceChildren();
      states.forEach((state) => {
        if (isChanged(state) && !state.sending) schedule(state, 50);
      });
    }
  }

  function signedOut(code, words) {
    const found = code === "other_user" ? "other_user" : "signed_out";
    if (poll === null) poll = setInterval(ping, 5000);
    if (away === found) return say();
    away = found;
    const login = `${root.dataset.loginUrl}?next=${encodeURIComponent(window.location.pathname)}`;
    // Whoever else has signed in has to sign out first: the sign-in page would send them on.
    const door = () =>
      found === "other_user"
        ? link(gettext("Sign in as yourself"), `${root.dataset.logoutUrl}?next=${encodeURIComponent(login)}`)
        : link(gettext("Sign in"), login);
    notice(
      "apply-signed-out",
      "bad",
      found === "other_user" && words
        ? words
        : gettext("Your session has ended. Sign in again in a new tab: nothing typed is lost, and saving goes on here."),
      [door(), copyButton(openPairs)],
    );
    // The notice may be far off the screen; this line never is.
    statusActions.replaceChildren(door());
    return say();
  }

  async function ping() {
    try {
      const response = await fetch(root.dataset.pingUrl, { headers: headers(), credentials: "same-origin", redirect: "manual" });
      if (response.ok) return comeBack();
      const isJson = (response.headers.get("Content-Type") || "").includes("application/json");
      if (response.status === 401 || response.status === 404) denied(response, isJson ? await response.json() : null);
    } catch {
      // still no connection: asked again
    }
    return undefined;
  }

  /* Send everything that is not saved. */
  function flush() {
    if (away === "signed_out" || away === "other_user") return ping();
    return Promise.all(unsaved().map(send));
  }

  // --- what happens on the page -----------------------------------------------------------------------------------------

  function changed(state, delay) {
    const raw = read(state.element);
    if (JSON.stringify(raw) === state.base) {
      drop(state.key);
      clearTimeout(state.timer);
      if (state.refused) {
        state.refused = "";
        showProblems(state, state.problems);
      }
      return say();
    }
    keep(state.key, raw, state.conflict ? -1 : state.revision);
    if (!stopped) schedule(state, delay);
    return say();
  }

  asks.forEach((element, key) => {
    if (element.dataset.kind === "files") return;
    const state = {
      key,
      element,
      base: JSON.stringify(read(element)),
      revision: Number(element.dataset.revision),
      timer: null,
      sending: false,
      conflict: null,
      refused: "",
      problems: [],
    };
    states.set(key, state);
    element.addEventListener("input", (event) => {
      // Half-typed pinyin is not an answer.
      if (!event.isComposing) changed(state, PAUSE);
    });
    element.addEventListener("compositionend", () => changed(state, PAUSE));
    element.addEventListener("change", () => changed(state, 60));
    element.addEventListener("focusout", (event) => {
      if (isChanged(state)) schedule(state, 60);
      else if (state.problems.length && !element.contains(event.relatedTarget)) showProblems(state, state.problems);
    });
  });

  /* A page that came back with refused answers or conflicts shows what was typed: that is not what is stored. */
  asks.forEach((element, key) => {
    const state = states.get(key);
    if (state && (element.querySelector(".conflict") || element.querySelector("[data-problems] > div"))) state.base = "";
  });

  function restore() {
    const lost = [];
    let restored = 0;
    kept().forEach((entry, key) => {
      const state = states.get(key);
      if (!state || stopped) {
        const element = root.querySelector(`[data-ask="${CSS.escape(key)}"]`);
        lost.push([element ? element.dataset.label : key, entry.raw, key]);
        return;
      }
      if (JSON.stringify(entry.raw) === state.base) {
        drop(key);
        return;
      }
      const theirs = read(state.element);
      write(state.element, entry.raw);
      // The inputs may write it another way (a blank cut off): then it is what is stored after all.
      if (JSON.stringify(read(state.element)) === state.base) {
        drop(key);
        return;
      }
      restored += 1;
      if (entry.revision === state.revision) {
        note(state, [paragraph(gettext("Restored: typed here before and not saved then."), "saved-note")]);
        schedule(state, 50);
      } else {
        showConflict(state, { raw: theirs, text: text(theirs), revision: state.revision, person: "", at: "" });
      }
    });
    if (lost.length) {
      notice(
        "apply-lost",
        "wait",
        gettext("This browser keeps text that was typed here and not saved. It cannot be saved any more, but copied."),
        [
          copyButton(() => lost),
          button(gettext("Forget it"), () => {
            lost.forEach((entry) => drop(entry[2]));
            unnotice("apply-lost");
          }),
        ],
      );
    }
    if (restored) say();
  }

  // Leaving: a last try that outlives the page; what does not get through lies in this browser until the next visit.
  function leave() {
    if (stopped || away === "signed_out" || away === "other_user") return;
    unsaved().forEach((state) => {
      if (state.conflict || state.refused === JSON.stringify(read(state.element))) return;
      const body = JSON.stringify({ raw: read(state.element), revision: state.revision });
      if (body.length > 30000) return;
      try {
        fetch(addressOf(state.key), {
          method: "POST",
          keepalive: true,
          credentials: "same-origin",
          headers: headers({ "Content-Type": "application/json" }),
          body,
        }).catch(() => undefined);
      } catch {
        // kept in this browser
      }
    });
  }

  let leaving = false;
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && unsaved().length && (away || stopped || !store)) event.preventDefault();
  });
  window.addEventListener("pagehide", leave);
  window.addEventListener("online", flush);
  window.addEventListener("focus", () => {
    if (away) flush();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") states.forEach((state) => isChanged(state) && send(state));
    else if (away) flush();
  });

  // With a script the buttons save what is left and go on; the form itself is never sent.
  root.querySelector("[data-form]").addEventListener("submit", async (event) => {
    const pressed = event.submitter;
    event.preventDefault();
    await flush();
    if (!pressed || !pressed.hasAttribute("data-check")) return;
    const waiting = () => Array.from(states.values()).some((state) => state.sending);
    for (let turn = 0; turn < 100 && waiting(); turn += 1) await new Promise((done) => setTimeout(done, 100));
    const left = unsaved();
    if (left.length) {
      left[0].element.scrollIntoView({ block: "center" });
      const field = left[0].element.querySelector("input:not([type=hidden]), textarea, select");
      if (field) field.focus({ preventScroll: true });
      return say();
    }
    leaving = true;
    window.location.assign(root.dataset.checkUrl);
    return undefined;
  });

  Object.assign(form, { headers, update, denied, say, goOffline, comeBack });
  restore();
  say();
})();
