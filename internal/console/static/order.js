// One order: templates fill the box, a price says what is kept, and the choice of pictures
// stays while the page is kept up to date. All of it works without this file.
"use strict";
(() => {
  // A press on a template adds it to what is in the box; its link opens the page with it alone.
  document.addEventListener("click", (e) => {
    const chip = e.target.closest("a[data-fills]");
    const box = chip && document.getElementById(chip.dataset.fills);
    if (!box || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    box.value = box.value.trim() ? box.value.trimEnd() + "\n" + chip.dataset.text : chip.dataset.text;
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  });

  const page = document.querySelector(".order");
  if (!page) return;

  const dollars = (cents) => "$" + (cents / 100).toFixed(2);
  page.addEventListener("input", (e) => {
    const price = e.target;
    if (price.id !== "price") return;
    const says = document.getElementById("price-says");
    if (!says.dataset.first) says.dataset.first = says.textContent;
    const cents = Math.round(parseFloat(price.value.replace("$", "")) * 100);
    says.textContent = price.validity.valid && cents > 0
      ? "The client sees " + dollars(cents) + ". You keep " + dollars(Math.round(cents * (100 - price.dataset.fee) / 100)) + "."
      : says.dataset.first;
  });

  // The pictures that are shown: from the first choice on it is ours to keep.
  let chosen = "";
  page.addEventListener("change", (e) => {
    if (e.target.name === "show") chosen = e.target.id;
  });
  const keep = () => {
    const radio = chosen && document.getElementById(chosen);
    if (radio && !radio.checked) radio.checked = true;
  };
  new MutationObserver(keep).observe(page, { childList: true, subtree: true });
})();
