// Keys and live blocks. Every page works without this file.
"use strict";
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const span = (ms) => {
    const s = Math.round(ms / 1000), m = Math.round(s / 60);
    if (s < 60) return s + (s === 1 ? " second" : " seconds");
    return m < 120 ? m + (m === 1 ? " minute" : " minutes") : Math.round(m / 60) + " hours";
  };
  // Whether somebody has begun to fill in a form.
  const typed = (from) => $$("form :is(textarea, select, input:not([type=hidden]))", from).some((f) => {
    if (f.options) return f.selectedIndex !== Math.max(0, [...f.options].findIndex((o) => o.defaultSelected));
    return f.type === "checkbox" || f.type === "radio" ? f.checked !== f.defaultChecked : f.value !== f.defaultValue;
  });

  // Buttons say what they do while they do it, and cannot be pressed twice.
  document.addEventListener("submit", (e) => {
    const button = e.submitter;
    if (e.defaultPrevented || !button || e.target.method !== "post") return;
    setTimeout(() => { // the form is sent with the button's value first
      if (button.dataset.busy) button.textContent = button.dataset.busy;
      button.disabled = true;
    });
  });
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

  // Ticking times.
  const clock = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000)), two = (n) => String(n).padStart(2, "0");
    return s >= 3600 ? Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60) : Math.floor(s / 60) + ":" + two(s % 60);
  };
  let ahead = 0; // how far the server's clock is ahead of this one
  const tick = () => {
    for (const t of $$("time[data-tick]")) {
      const passed = Date.now() + ahead - Date.parse(t.dateTime);
      t.textContent = clock(t.dataset.tick === "up" ? passed : -passed);
    }
  };

  // Live blocks.
  const body = document.body, stale = $("#stale"), said = $("#said");
  const held = new Map(); // blocks that wait until nobody is in their way
  let source, heard = Date.now(), since = "", ticked = Date.now(), moved = 0, over = false;

  const elements = (name) => $$('[data-live="' + CSS.escape(name) + '"]');
  const busy = (el) =>
    el.contains(document.activeElement) || typed(el) || $("dialog[open]", el) ||
    (matchMedia("(hover: hover)").matches && el.matches(":hover") && Date.now() - moved < 30000);
  const rows = (from) => $$("[data-row]", from).map((r) => r.dataset.row);

  const put = (el, html) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    if (fresh.innerHTML === el.innerHTML) return;
    const open = $$("details[open]", el).map((d) => d.dataset.fold);
    const before = $("[data-say]", el);
    el.replaceChildren(fresh.content);
    for (const d of $$("details", el)) if (open.includes(d.dataset.fold)) d.open = true;
    const after = $("[data-say]", el);
    if (after && (!before || before.textContent !== after.textContent)) said.textContent = after.textContent;
  };
  const offer = (el, name, html) => { // a list that is looked at says what is new instead
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const known = rows(el), news = rows(fresh.content).filter((r) => !known.includes(r)).length;
    let button = el.previousElementSibling;
    if (!button || !button.matches(".news")) {
      button = document.createElement("button");
      button.className = "button news";
      button.onclick = () => { held.delete(name); button.remove(); put(el, html); };
      el.before(button);
    }
    const text = (news ? news + " new" : "Changed") + ", show";
    if (button.textContent !== text) button.textContent = said.textContent = text;
    button.onclick = () => { held.delete(name); button.remove(); put(el, html); };
  };
  const take = (name, html) => {
    held.delete(name);
    if (name === "title") { document.title = html.replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(n)).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"); return; }
    for (const el of elements(name)) {
      const fresh = document.createElement("template");
      fresh.innerHTML = html;
      if (fresh.innerHTML === el.innerHTML) continue;
      if (!busy(el)) {
        if (el.previousElementSibling && el.previousElementSibling.matches(".news")) el.previousElementSibling.remove();
        put(el, html);
        continue;
      }
      held.set(name, html);
      if (el.dataset.list !== undefined) offer(el, name, html);
    }
  };
  const retry = () => { for (const [name, html] of [...held]) take(name, html); };

  const live = (on) => {
    if (body.classList.contains("stale") !== on) return;
    body.classList.toggle("stale", !on);
    for (const el of $$(".live .said")) el.textContent = on ? "live" : "not live";
    stale.hidden = on;
    if (!on) {
      since = ($('[data-live="clock"]') || {}).textContent || "";
      $("[data-since]", stale).textContent = since.slice(0, 5);
    }
  };
  const follow = () => {
    if (source) source.close();
    source = new EventSource("/live?on=" + encodeURIComponent(location.pathname + location.search));
    const hear = (name, f) => source.addEventListener(name, (e) => { heard = Date.now(); live(true); f(e.data); });
    hear("hello", (data) => {
      const [script, at] = data.split(" ");
      ahead = Date.parse(at) - Date.now();
      if (!$('script[src="' + CSS.escape(script) + '"]') && !typed(document)) location.reload(); // of another version
    });
    hear("block", (data) => { const b = JSON.parse(data); take(b.name, b.html); });
    hear("sign", () => {});
    hear("end", (why) => {
      source.close();
      over = true;
      if (why === "reload" && !typed(document)) location.reload();
    });
  };
  const check = () => {
    const now = Date.now(), slept = now - ticked > 90000;
    ticked = now;
    if (slept && !document.hidden && !typed(document)) { location.reload(); return; }
    if (now - heard > 5000) {
      live(false);
      $("[data-age]", stale).textContent = span(now - heard);
      if (!over && source.readyState === EventSource.CLOSED && Math.floor((now - heard) / 1000) % 5 === 0) follow();
    } else {
      tick();
      retry();
    }
  };
  if (body.dataset.follow !== undefined && window.EventSource) {
    for (const el of $$(".live")) el.hidden = false;
    follow();
    setInterval(check, 1000);
    addEventListener("pointermove", () => { moved = Date.now(); }, { passive: true });
    addEventListener("beforeunload", () => { source.onerror = null; });
    addEventListener("pagehide", () => { over = true; source.close(); });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && source.readyState === EventSource.CLOSED) { over = false; follow(); }
    });
  }

  // Keys. A letter moves the focus and never acts.
  const dialog = $("#keys");
  if (!dialog) return;
  const cookie = "atelierd-keys";
  let letters = !document.cookie.split("; ").includes(cookie + "=off");
  const box = $("input", dialog);
  box.checked = letters;
  box.onchange = () => {
    letters = box.checked;
    document.cookie = cookie + "=" + (letters ? "on" : "off") + "; path=/; max-age=31536000; samesite=lax" + (location.protocol === "https:" ? "; secure" : "");
  };
  for (const b of $$("[data-keys]")) {
    b.closest("[hidden]").hidden = false;
    b.onclick = () => dialog.showModal();
  }
  const shown = (el) => el.getClientRects().length > 0;
  const focus = (el) => {
    for (let d = el.closest("details:not([open])"); d; d = d.parentElement.closest("details:not([open])")) d.open = true;
    if (el.tabIndex < 0) el.tabIndex = -1;
    el.focus({ preventScroll: true });
    el.scrollIntoView({ block: "center" });
  };
  const step = (by) => {
    const list = $$("[data-row]").filter(shown);
    if (!list.length) return;
    const at = list.findIndex((r) => r.contains(document.activeElement));
    const row = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by))];
    const target = row.matches("a[href]") ? row : $("a[href], button", row) || row;
    if (target === row && !row.matches("a[href]")) row.tabIndex = -1;
    target.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const turn = (set) => { // to the next of the radio buttons
    const list = $$("input[type=radio]", set);
    const next = list[(list.findIndex((r) => r.checked) + 1) % list.length];
    if (next) { next.checked = true; next.focus({ preventScroll: true }); next.dispatchEvent(new Event("change", { bubbles: true })); }
  };
  document.addEventListener("keydown", (e) => {
    if (!letters || e.defaultPrevented || e.repeat || e.isComposing || e.ctrlKey || e.altKey || e.metaKey || $("dialog[open]")) return;
    if (e.target.closest("textarea, select, [contenteditable]") || (e.target.matches("input") && !["radio", "checkbox"].includes(e.target.type))) {
      return;
    }
    const key = e.key;
    if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
    else if (key === "?") dialog.showModal();
    else if (key === "/" || "arm".includes(key)) {
      const el = key === "/" ? $("main input[type=search]") : $$('[data-key="' + key + '"]').find(shown) || $('[data-key="' + key + '"]');
      if (!el) return;
      focus(el);
    } else if (key === "c") {
      const set = $$('[data-key="c"]').find(shown);
      if (!set) return;
      turn(set);
    } else return;
    e.preventDefault();
  });
})();
