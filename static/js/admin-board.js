/*
 * The decision board. Lines are dragged by their handle or moved with the arrow buttons (or Alt and the arrow keys in the
 * place); places, running totals and the budget line follow at once, as they do when verdicts and amounts are chosen.
 * Nothing is stored before the form is sent; without scripts places are typed and a button draws the line.
 */
(function () {
  "use strict";

  const form = document.getElementById("board");
  const body = form && form.querySelector("tbody");
  if (!body) {
    return;
  }
  const budget = form.dataset.budget === "" ? null : Number(form.dataset.budget);
  const line = body.querySelector("tr[data-line]") || document.getElementById("board-line").content.firstElementChild.cloneNode(true);
  const rows = () => [...body.querySelectorAll("tr[data-row]")];
  const began = rows();

  function fen(text) {
    const plain = text.replace(/[,，\s¥￥元]/g, "");
    const found = /^(\d+(?:\.\d+)?)(万?)$/.exec(plain);
    return found ? Math.round(Number(found[1]) * 100 * (found[2] ? 10000 : 1)) : 0;
  }

  // As the server writes them: 万元, in English millions of yuan.
  function money(amount) {
    const chinese = document.documentElement.lang.startsWith("zh");
    const text = (amount / (chinese ? 1e6 : 1e8)).toLocaleString("en", { maximumFractionDigits: chinese ? 2 : 4 });
    return chinese ? `${text} 万元` : `¥${text} m`;
  }

  function chosen(row) {
    const verdict = row.querySelector("select");
    if (!verdict) {
      return { verdict: row.dataset.verdict, amount: Number(row.dataset.fen) };
    }
    const amount = row.querySelector("input[name$='-amount']");
    const asked = Number(row.dataset.asked);
    return { verdict: verdict.value, amount: verdict.value === "approve" ? fen(amount.value) : asked };
  }

  function draw() {
    let total = 0;
    let crossed = false;
    rows().forEach((row, index) => {
      const { verdict, amount } = chosen(row);
      const counts = verdict === "" || verdict === "approve";
      const before = total;
      total += counts ? amount : 0;
      row.querySelector("[data-amount]").textContent = money(amount);
      row.querySelector("[data-total]").textContent = money(total);
      row.classList.toggle("is-beyond", budget !== null && total > budget);
      if (!crossed && counts && budget !== null && before <= budget && budget < total) {
        crossed = true;
        body.insertBefore(line, row);
      }
      const place = row.querySelector("[data-place]");
      if (place) {
        place.value = index + 1;
        row.classList.toggle("is-moved", began[index] !== row);
      }
      const less = row.querySelector("[data-less]");
      if (less) {
        less.hidden = verdict !== "approve" || amount >= Number(row.dataset.asked);
        row.querySelector("[data-reserve]").hidden = verdict !== "reserve";
      }
    });
    if (!crossed) {
      line.remove();
    }
  }

  function put(row, index) {
    const rest = rows().filter((other) => other !== row);
    body.insertBefore(row, rest[Math.max(0, index)] || null);
    draw();
  }

  function step(row, by) {
    put(row, Math.min(rows().indexOf(row) + by, rows().length));
  }

  let dragged = null;

  function control(label, sign, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", label);
    button.textContent = sign;
    if (act) {
      button.addEventListener("click", () => {
        act();
        button.focus();
      });
    }
    return button;
  }

  rows().forEach((row) => {
    const place = row.querySelector("[data-place]");
    if (!place) {
      return;
    }
    const number = row.dataset.number;
    const moves = document.createElement("span");
    moves.className = "ranking-move";
    const handle = document.createElement("span");
    handle.className = "handle";
    handle.textContent = "⠿";
    handle.draggable = true;
    handle.setAttribute("aria-hidden", "true");
    handle.addEventListener("dragstart", (event) => {
      dragged = row;
      row.classList.add("is-dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", number);
      event.dataTransfer.setDragImage(row, 0, 0);
    });
    handle.addEventListener("dragend", () => {
      row.classList.remove("is-dragged");
      dragged = null;
      draw();
    });
    moves.append(
      handle,
      control(`${form.dataset.up} · ${number}`, "↑", () => step(row, -1)),
      control(`${form.dataset.down} · ${number}`, "↓", () => step(row, 1)),
    );
    place.after(moves);
    place.addEventListener("change", () => {
      const wanted = Number.parseInt(place.value, 10);
      put(row, Number.isNaN(wanted) ? rows().indexOf(row) : wanted - 1);
      place.focus();
    });
    place.addEventListener("keydown", (event) => {
      if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        step(row, event.key === "ArrowUp" ? -1 : 1);
        place.focus();
      }
    });
  });

  body.addEventListener("dragover", (event) => {
    const over = event.target.closest("tr[data-row]");
    if (!dragged || !over || over === dragged) {
      return;
    }
    event.preventDefault();
    const box = over.getBoundingClientRect();
    body.insertBefore(dragged, event.clientY < box.top + box.height / 2 ? over : over.nextElementSibling);
  });
  body.addEventListener("drop", (event) => event.preventDefault());
  body.addEventListener("input", (event) => {
    if (!event.target.matches("[data-place]")) {
      draw();
    }
  });
  draw();
})();
