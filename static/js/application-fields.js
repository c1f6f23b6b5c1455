/*
 * The fields of an application's form: reading and filling each kind of question, counting characters, adding up tables,
 * showing questions that hang on others. Saving is in application-save.js, files in application-upload.js.
 *
 * window.applicationForm = {root, asks, read, write, refresh}
 */
(function () {
  "use strict";

  const root = document.querySelector("[data-apply]");
  if (!root) return;
  document.documentElement.classList.add("with-script");
  const chinese = document.documentElement.lang.startsWith("zh");

  // Only questions that may be answered now have an input; the others are shown to be read.
  const asks = new Map();
  root.querySelectorAll("[data-ask]").forEach((element) => {
    if (element.querySelector("[data-question]")) asks.set(element.dataset.ask, element);
  });

  // --- reading and filling ------------------------------------------------------------------------------------------

  const isTable = (element) => element.querySelector("[data-table]") !== null;

  function fieldOf(element) {
    return element.querySelector("[data-question] input:not([type=hidden]), [data-question] textarea, [data-question] select");
  }

  function columnOf(input, element) {
    return input.name.slice(element.dataset.ask.length + 1).replace(/^[^-]*-/, "");
  }

  function readTable(element) {
    const rows = [];
    element.querySelectorAll("[data-rows] > tr").forEach((line) => {
      const row = {};
      let filled = false;
      line.querySelectorAll("input, textarea, select").forEach((input) => {
        const value = input.value.trim();
        row[columnOf(input, element)] = value;
        filled = filled || value !== "";
      });
      if (filled) rows.push(row);
    });
    return rows;
  }

  /* What is typed in one question now, as the server takes it. */
  function read(element) {
    if (isTable(element)) return readTable(element);
    switch (element.dataset.kind) {
      case "single_choice":
      case "trl": {
        const chosen = element.querySelector("input:checked");
        return chosen ? chosen.value : "";
      }
      case "multiple_choice":
        return Array.from(element.querySelectorAll("input:checked"), (input) => input.value);
      case "consent":
        return element.querySelector("input[type=checkbox]").checked;
      case "files":
        return null;
      default:
        return fieldOf(element).value.replace(/\r\n?/g, "\n");
    }
  }

  function writeTable(element, rows) {
    const body = element.querySelector("[data-rows]");
    body.replaceChildren();
    rows.forEach((row) => {
      const line = addRow(element);
      line.querySelectorAll("input, textarea, select").forEach((input) => {
        const value = row[columnOf(input, element)];
        input.value = value === null || value === undefined ? "" : String(value);
      });
    });
    spareRow(element);
  }

  /* Put `raw` into the question's inputs. */
  function write(element, raw) {
    if (isTable(element)) {
      writeTable(element, Array.isArray(raw) ? raw : []);
    } else if (element.dataset.kind === "single_choice" || element.dataset.kind === "trl") {
      element.querySelectorAll("input[type=radio]").forEach((input) => {
        input.checked = input.value === String(raw === null ? "" : raw);
      });
    } else if (element.dataset.kind === "multiple_choice") {
      const chosen = Array.isArray(raw) ? raw.map(String) : [];
      element.querySelectorAll("input[type=checkbox]").forEach((input) => {
        input.checked = chosen.includes(input.value);
      });
    } else if (element.dataset.kind === "consent") {
      element.querySelector("input[type=checkbox]").checked = raw === true;
    } else if (element.dataset.kind !== "files") {
      fieldOf(element).value = raw === null || raw === undefined ? "" : String(raw);
    }
    refresh(element);
  }

  /* How `raw` reads, for copying and for comparing side by side. */
  function text(raw) {
    if (raw === null || raw === undefined || raw === "") return "—";
    if (raw === true) return gettext("agreed");
    if (raw === false) return "—";
    if (Array.isArray(raw)) {
      return raw
        .map((item) => (typeof item === "object" ? Object.values(item).filter(Boolean).join(" · ") : String(item)))
        .join("\n");
    }
    return String(raw);
  }

  // --- counting -----------------------------------------------------------------------------------------------------

  const NOT_COUNTED = /[\s\p{Mn}\p{Mc}\p{Me}\p{Cf}\p{Cc}]/gu;

  /* 字符数(不计空格): every visible character counts one; the server counts in the same way. */
  function countCharacters(value) {
    return Array.from(value.replace(NOT_COUNTED, "")).length;
  }

  function count(element) {
    element.querySelectorAll("[data-count]").forEach((input) => {
      const shown = document.getElementById(input.dataset.count);
      if (!shown) return;
      const number = countCharacters(input.value);
      shown.querySelector("[data-count-shown]").textContent = number.toLocaleString("en-US");
      shown.classList.toggle("is-over", number > Number(input.dataset.countMax));
    });
  }

  // --- money --------------------------------------------------------------------------------------------------------

  /* Whole fen of an amount as people type it; null for anything else. Exact: no fractions of binary numbers. */
  function parseMoney(typed, unit) {
    let cleaned = typed.normalize("NFKC").replace(/[\s,，]/g, "").replace(/^[¥￥]+/, "").replace(/^(RMB|CNY)/, "");
    for (const [suffix, named] of [["万元", "wan"], ["万", "wan"], ["元", "yuan"]]) {
      if (cleaned.endsWith(suffix)) {
        cleaned = cleaned.slice(0, -suffix.length);
        unit = named;
        break;
      }
    }
    const match = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(cleaned);
    if (!match) return null;
    const places = unit === "wan" ? 6 : 2;
    const fraction = (match[2] || "").padEnd(places + 1, "0");
    const fen = BigInt(match[1] + fraction.slice(0, places)) + (fraction[places] >= "5" ? 1n : 0n);
    return fen;
  }

  function yuan(fen) {
    const sign = fen < 0n ? "-" : "";
    const digits = (fen < 0n ? -fen : fen).toString().padStart(3, "0");
    const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
    return `${sign}¥${whole}.${digits.slice(-2)}`;
  }

  function yuanOrDash(fen) {
    return fen === null ? "—" : yuan(fen);
  }

  function wan(fen) {
    const digits = fen.toString().padStart(7, "0");
    const whole = digits.slice(0, -6).replace(/\B(?=(\d{3})+$)/g, ",");
    const fraction = digits.slice(-6).replace(/0+$/, "");
    return fraction ? `${whole}.${fraction}` : whole;
  }

  // --- tables -------------------------------------------------------------------------------------------------------

  function rowsOf(element) {
    return Array.from(element.querySelectorAll("[data-rows] > tr"));
  }

  function isEmptyRow(line) {
    return Array.from(line.querySelectorAll("input, textarea, select")).every((input) => input.value.trim() === "");
  }

  function renumber(element) {
    rowsOf(element).forEach((line, index) => {
      line.querySelector("[data-row-number]").textContent = String(index + 1);
      line.querySelectorAll("[data-remove-row]").forEach((button) => {
        button.setAttribute("aria-label", interpolate(gettext("Remove row %s"), [index + 1]));
      });
    });
  }

  function removeCell(element, line) {
    const cell = document.createElement("td");
    cell.className = "col-remove";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn-close";
    button.dataset.removeRow = "";
    button.addEventListener("click", () => {
      const next = line.nextElementSibling || line.previousElementSibling;
      line.remove();
      spareRow(element);
      renumber(element);
      refresh(element);
      const field = (next || element).querySelector("input, textarea, select");
      if (field) field.focus();
      element.dispatchEvent(new Event("change", { bubbles: true }));
    });
    cell.append(button);
    line.append(cell);
  }

  function addRow(element) {
    const body = element.querySelector("[data-rows]");
    const number = (element.nextRow = (element.nextRow || 1000) + 1);
    const holder = document.createElement("tbody");
    holder.innerHTML = element
      .querySelector("[data-row-template]")
      .innerHTML.replaceAll("__row__", String(number))
      .replaceAll("__shown__", String(body.children.length + 1));
    const line = holder.querySelector("tr");
    body.append(line);
    removeCell(element, line);
    renumber(element);
    return line;
  }

  /* One empty row is always there to be typed in, as long as more are allowed. */
  function spareRow(element) {
    const most = Number(element.querySelector("[data-table]").dataset.maxRows);
    const lines = rowsOf(element);
    const last = lines[lines.length - 1];
    if (lines.length < most && (!last || !isEmptyRow(last))) addRow(element);
  }

  function prepareTable(element) {
    const lines = rowsOf(element);
    const empty = lines.filter(isEmptyRow);
    empty.slice(1).forEach((line) => line.remove());
    const head = document.createElement("th");
    head.scope = "col";
    head.className = "col-remove";
    const label = document.createElement("span");
    label.className = "visually-hidden";
    label.textContent = gettext("Remove");
    head.append(label);
    element.querySelector("thead tr").append(head);
    const foot = element.querySelector("tfoot tr");
    if (foot) foot.append(document.createElement("td"));
    rowsOf(element).forEach((line) => removeCell(element, line));
    spareRow(element);
    renumber(element);
    element.addEventListener("input", () => spareRow(element));
  }

  function totalOf(element) {
    const shown = element.querySelector("[data-total]");
    const cells = Array.from(element.querySelectorAll("[data-add-up]"));
    if (!shown || !cells.length) return null;
    const column = cells[0].closest("td").cellIndex;
    const isMoney = element.querySelector("thead tr").cells[column].classList.contains("kind-money");
    if (!isMoney) {
      const sum = cells.reduce((total, cell) => total + (Number(cell.value.normalize("NFKC").replace(/,/g, "")) || 0), 0);
      shown.textContent = String(Math.round(sum * 1e6) / 1e6);
      return null;
    }
    const unit = shown.dataset.unit || "wan";
    const fen = cells.reduce((total, cell) => total + (parseMoney(cell.value, unit) || 0n), 0n);
    shown.textContent = chinese && unit === "wan" ? `${wan(fen)} 万元（${yuan(fen)}）` : yuan(fen);
    return fen;
  }

  /* Whether amounts were typed in the column that is added up, and each of them can be read. */
  function hasReadableTotal(element) {
    const unit = element.querySelector("[data-total]").dataset.unit || "wan";
    const typed = Array.from(element.querySelectorAll("[data-add-up]"), (cell) => cell.value.trim()).filter(Boolean);
    return typed.length > 0 && typed.every((value) => parseMoney(value, unit) !== null);
  }

  function balance() {
    root.querySelectorAll("[data-balance]").forEach((line) => {
      const amount = asks.get(line.dataset.balance);
      const budget = line.closest("[data-ask]");
      const sum = totalOf(budget);
      if (!amount || sum === null) return;
      const input = amount.querySelector("[data-money]");
      const wanted = input ? parseMoney(input.value, input.dataset.money) : null;
      const total = hasReadableTotal(budget) ? sum : null;
      const isKnown = wanted !== null && total !== null;
      const difference = isKnown ? wanted - total : null;
      line.querySelector("[data-balance-wanted]").textContent = yuanOrDash(wanted);
      line.querySelector("[data-balance-total]").textContent = yuanOrDash(total);
      line.querySelector("[data-balance-difference]").textContent = yuanOrDash(difference);
      // Of what cannot be read nothing is said: neither equal nor different.
      const equal = isKnown && difference === 0n;
      const unequal = isKnown && !equal;
      line.classList.toggle("is-equal", equal);
      line.classList.toggle("is-unequal", unequal);
      line.querySelector(".balance-difference").hidden = !unequal;
      line.querySelector(".balance-equal").hidden = !equal;
    });
  }

  // --- conditions ---------------------------------------------------------------------------------------------------

  function isMet(answer, expected) {
    if (answer === null || answer === "" || answer === false || (Array.isArray(answer) && !answer.length)) return false;
    if (!expected) return true;
    if (answer === true) return ["true", "yes", "on", "1"].includes(expected.toLowerCase());
    return Array.isArray(answer) ? answer.includes(expected) : String(answer) === expected;
  }

  function isAsked(element, trail) {
    const on = element.dataset.on;
    if (!on) return true;
    const other = asks.get(on);
    // A question that cannot be changed now keeps what the server said.
    if (!other || trail.includes(on)) return !element.hidden;
    return isAsked(other, trail.concat(on)) && isMet(read(other), element.dataset.is);
  }

  function conditions() {
    asks.forEach((element, key) => {
      if (element.dataset.on) element.hidden = !isAsked(element, [key]);
    });
  }

  /* Bring counters, sums and hidden questions up to date. */
  function refresh(element) {
    if (element) {
      count(element);
      if (isTable(element)) totalOf(element);
    }
    balance();
    conditions();
  }

  asks.forEach((element) => {
    if (isTable(element)) prepareTable(element);
    count(element);
    element.addEventListener("input", () => refresh(element));
    element.addEventListener("change", () => refresh(element));
  });
  refresh(null);

  // The part that is being read is marked in the list of parts.
  const links = new Map();
  document.querySelectorAll(".apply-nav a").forEach((link) => links.set(link.hash.slice(1), link));
  const watcher = new IntersectionObserver(
    (entries) => {
      entries
        .filter((entry) => entry.isIntersecting)
        .forEach((entry) => {
          links.forEach((link) => link.removeAttribute("aria-current"));
          const link = links.get(entry.target.id);
          if (link) link.setAttribute("aria-current", "true");
        });
    },
    { rootMargin: "-20% 0px -70% 0px" },
  );
  document.querySelectorAll(".apply-section").forEach((section) => watcher.observe(section));

  window.applicationForm = { root, asks, read, write, refresh, text };
})();
