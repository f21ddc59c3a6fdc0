// Comforts on top of pages that work without any script.
(function () {
  "use strict";
  const body = document.body;
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));

  // A lost connection keeps the page and says so.
  function banner(text) {
    let box = document.getElementById("hors-ligne");
    if (!box) {
      box = document.createElement("div");
      box.id = "hors-ligne";
      box.className = "notice tone-warning offline";
      box.setAttribute("role", "alert");
      body.append(box);
    }
    box.textContent = text;
    box.hidden = false;
  }
  function quiet() {
    const box = document.getElementById("hors-ligne");
    if (box) box.hidden = true;
  }
  body.addEventListener("htmx:sendError", () => banner(body.dataset.lost));
  body.addEventListener("htmx:timeout", () => banner(body.dataset.failed));
  body.addEventListener("htmx:afterOnLoad", quiet);
  window.addEventListener("offline", () => banner(body.dataset.lost));
  window.addEventListener("online", quiet);
  // A page that answers an error status is shown like any other when it holds the part asked for.
  body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) banner(body.dataset.failed);
    else if (event.detail.requestConfig.verb === "get") window.location.assign(event.detail.pathInfo.finalRequestPath);
  });

  // A second press of the same button is the same act; the server knows it by its request id, this only shows it.
  body.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (!navigator.onLine) {
      event.preventDefault();
      banner(body.dataset.lost);
      return;
    }
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter;
    if (button) button.setAttribute("aria-busy", "true");
    window.setTimeout(ready, 20000);
  });
  // After the longest answer, or when the page is shown again, it can be pressed again: never a dead control.
  function ready() {
    all("form[data-sent]").forEach((form) => delete form.dataset.sent);
    all("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }
  window.addEventListener("pageshow", ready);

  // Some minutes before the session ends, a way to stay. Other tabs of the same browser count as being there.
  const end = document.getElementById("fin-session");
  if (end) {
    const WARNING = 300000;
    const SHARED = "preau-fin-de-session";
    const says = end.querySelector("[data-says]");
    const form = end.querySelector("form");
    let until = 0;
    const known = () => {
      try { return Math.max(until, Number(localStorage.getItem(SHARED)) || 0); } catch (refused) { return until; }
    };
    const learn = (seconds) => {
      if (!(seconds > 0)) return;
      until = Date.now() + seconds * 1000;
      try { localStorage.setItem(SHARED, String(until)); } catch (refused) { /* This tab alone, then. */ }
    };
    const look = () => {
      const left = known() - Date.now();
      const minutes = Math.ceil(left / 60000);
      const text = left <= 0 ? says.dataset.over : minutes === 1 ? says.dataset.last : says.dataset.soon.replace("{n}", String(minutes));
      end.hidden = left > WARNING;
      if (!end.hidden && says.textContent !== text) says.textContent = text;
      form.hidden = left <= 0;
      window.setTimeout(look, left > WARNING ? Math.min(left - WARNING + 500, 30000) : 5000);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      window.fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }).then((answer) => {
        if (answer.status === 401) { until = 0; try { localStorage.removeItem(SHARED); } catch (refused) { /* Nothing was shared. */ } }
        learn(Number(answer.headers.get("X-Session-Left")));
        end.hidden = known() - Date.now() > WARNING;
        if (end.hidden) document.getElementById("contenu").focus({ preventScroll: true });
      }).catch(() => banner(body.dataset.lost));
    });
    body.addEventListener("htmx:afterRequest", (event) => learn(Number(event.detail.xhr.getResponseHeader("X-Session-Left"))));
    learn(Number(end.dataset.left));
    look();
  }

  // What is folded on the screen is printed all the same.
  window.addEventListener("beforeprint", () => all("main details.lines").forEach((part) => { part.open = true; }));

  // Menus close on a press elsewhere or on Escape.
  document.addEventListener("click", (event) => {
    all("details[data-menu][open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all("details[data-menu][open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  document.addEventListener("click", (event) => {
    const reveal = event.target.closest("[data-reveal]");
    if (reveal) {
      const input = document.getElementById(reveal.dataset.reveal);
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      reveal.setAttribute("aria-pressed", String(!shown));
      reveal.querySelector("span").textContent = shown ? reveal.dataset.show : reveal.dataset.hide;
    }
  });

  // A list that leads somewhere goes there when it is changed by hand. On the keyboard every arrow changes it:
  // there its button shows instead.
  let byKeyboard = false;
  document.addEventListener("keydown", () => { byKeyboard = true; }, true);
  document.addEventListener("pointerdown", () => { byKeyboard = false; }, true);
  document.addEventListener("change", (event) => {
    const select = event.target.closest("select[data-go]");
    if (!select) return;
    if (byKeyboard) all("button.without-script", select.form).forEach((button) => button.classList.remove("without-script"));
    else select.form.requestSubmit();
  });

  // The day panel.
  function panel() {
    return document.getElementById("panneau");
  }
  body.addEventListener("htmx:afterSwap", (event) => {
    const box = panel();
    if (box && event.detail.target.id === "panneau-corps") {
      if (!box.open) box.showModal();
      const title = box.querySelector("h1, h2");
      if (title) {
        title.tabIndex = -1;
        title.focus();
      }
    }
    prepare(event.detail.target);
  });
  document.addEventListener("click", (event) => {
    const box = panel();
    if (box && box.open && (event.target === box || event.target.closest("[data-close]"))) {
      event.preventDefault();
      box.close();
    }
  });

  // Check boxes that stand for all the others of their group.
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.type !== "checkbox") return;
    const group = box.closest("[data-group]");
    if (group) {
      const boxes = all("input[type=checkbox]", group);
      const whole = boxes.find((item) => "all" in item.dataset);
      const rest = boxes.filter((item) => item !== whole);
      if (box === whole) rest.forEach((item) => { item.checked = whole.checked; });
      else if (whole) whole.checked = rest.every((item) => item.checked);
    }
    require(box.form);
    tally(box.form);
  });

  // The midday care that goes with the meal is offered once.
  function require(form) {
    if (!form) return;
    const offer = form.querySelector("[data-offer]");
    if (!offer) return;
    const missing = new Set();
    const says = new Set();
    all("input[data-requires]:checked", form).forEach((box) => {
      box.dataset.requires.split(" ").forEach((id) => {
        const other = all("input[type=checkbox]", form).find((item) => item.value === id && item.name === box.name);
        if (other && !other.checked) {
          missing.add(other);
          says.add(box.dataset.offerText);
        }
      });
    });
    const action = form.elements.namedItem("action");
    const creating = !action || action.value !== "supprimer";
    offer.hidden = missing.size === 0 || !creating;
    offer.querySelector("[data-offer-says]").textContent = Array.from(says).join(" ");
    offer.dataset.values = Array.from(missing, (box) => box.id).join(" ");
  }
  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-offer] button");
    if (!add) return;
    const offer = add.closest("[data-offer]");
    event.preventDefault();
    offer.dataset.values.split(" ").forEach((id) => { document.getElementById(id).checked = true; });
    offer.hidden = true;
    require(add.form);
  });

  // Whole months, filled in place.
  document.addEventListener("click", (event) => {
    const month = event.target.closest("[data-from]");
    if (!month) return;
    event.preventDefault();
    document.getElementById("du").value = month.dataset.from;
    document.getElementById("au").value = month.dataset.to;
    document.getElementById("au").focus();
  });

  // A picker beside the typed date.
  function pickers(root) {
    all("input[data-picker]", root).forEach((input) => {
      if (input.dataset.ready) return;
      input.dataset.ready = "1";
      const native = document.createElement("input");
      native.type = "date";
      native.className = "picker-native";
      native.tabIndex = -1;
      native.setAttribute("aria-hidden", "true");
      if (!native.showPicker) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button-icon";
      button.setAttribute("aria-label", input.dataset.picker);
      button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-calendar"/></svg>';
      button.addEventListener("click", () => {
        const parts = input.value.split("/");
        if (parts.length === 3) native.value = parts[2] + "-" + parts[1].padStart(2, "0") + "-" + parts[0].padStart(2, "0");
        native.showPicker();
      });
      native.addEventListener("change", () => {
        if (native.value) input.value = native.value.split("-").reverse().join("/");
      });
      const box = document.createElement("span");
      box.className = "picker";
      box.append(native, button);
      input.after(box);
    });
  }

  // The pending list: everything, on every page, or nothing.
  function tally(form) {
    if (!form || form.id !== "selection") return;
    const text = document.getElementById("nombre-choisi");
    if (!text) return;
    const boxes = all("input[name=ids]", document).filter((box) => box.form === form);
    const ticked = boxes.filter((box) => box.checked).length;
    const whole = form.elements.namedItem("tout");
    const count = whole && whole.value === "1" ? Number(text.dataset.total) - (boxes.length - ticked) : ticked;
    text.textContent = count === 0 ? text.dataset.none : (count === 1 ? text.dataset.one : text.dataset.many.replace("{n}", String(count)));
  }
  document.addEventListener("click", (event) => {
    const select = event.target.closest("button[name=tout][data-select]");
    const form = document.getElementById("selection");
    if (!select || !form) return;
    event.preventDefault();
    form.elements.namedItem("tout").value = select.value;
    all("input[name=ids]").forEach((box) => { box.checked = select.value === "1"; });
    all(".pager a, a[data-keep]").forEach((link) => {
      const url = new URL(link.href);
      if (select.value === "1") url.searchParams.set("tout", "1");
      else url.searchParams.delete("tout");
      link.href = url.pathname + url.search;
    });
    tally(form);
  });

  function prepare(root) {
    pickers(root);
    all("form", root).forEach((form) => { require(form); tally(form); });
    const focus = root.querySelector && root.querySelector("[data-focus]");
    if (focus) focus.focus();
  }
  prepare(document);
})();
