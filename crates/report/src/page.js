// Adds a slider to every comparison of at least two pictures. The pictures are those of the strip, so that none is
// embedded twice.
for (const compare of document.querySelectorAll(".compare")) {
  const figures = [...compare.querySelectorAll("figure")];
  if (figures.length < 2) continue;
  const title = compare.dataset.title;
  const slider = document.createElement("div");
  slider.className = "slider";
  const [right, left] = [new Image(), new Image()];
  const range = document.createElement("input");
  Object.assign(range, { type: "range", min: 0, max: 100, step: 0.5, value: 50 });
  range.setAttribute("aria-label", title + ": share of the left picture in percent");
  range.addEventListener("input", () => slider.style.setProperty("--at", range.value + "%"));
  const stack = document.createElement("div");
  stack.className = "stack";
  stack.append(right, left);
  slider.append(stack, range);

  const choice = document.createElement("div");
  choice.className = "choice";
  const choose = (side, image, first) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    figures.forEach((figure, i) => select.add(new Option(figure.dataset.caption, i, i === first, i === first)));
    const show = () => {
      const source = figures[select.value].querySelector("img");
      image.src = source.src;
      image.alt = side + ": " + source.alt;
      image.width = figures[0].querySelector("img").width;
    };
    // Pictures of other sizes (a small measurement) are stretched over the larger one.
    const size = figures[1].querySelector("img");
    Object.assign(image.style, { aspectRatio: size.getAttribute("width") + "/" + size.getAttribute("height") });
    select.addEventListener("change", show);
    label.append(side, select);
    choice.append(label);
    show();
  };
  choose("Left", left, 0);
  choose("Right", right, 1);
  // Small pictures are enlarged: show their pixels, do not blur what is compared.
  slider.classList.toggle("pixels", Number(figures[1].querySelector("img").getAttribute("width")) < 400);
  const tools = document.createElement("div");
  tools.className = "tools";
  const toggle = (text, name, then) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const on = slider.classList.toggle(name);
      button.setAttribute("aria-pressed", on);
      then?.(on);
    });
    tools.append(button);
  };
  // At 100 % a pixel of the picture is one of the screen; the picture is moved by scrolling and dragging.
  toggle("100 %", "full", (on) => {
    range.hidden = on;
    for (const image of [left, right]) {
      image.style.width = on ? figures[1].querySelector("img").getAttribute("width") / devicePixelRatio + "px" : "";
    }
    slider.style.maxHeight = on ? "80vh" : "";
    slider.tabIndex = on ? 0 : -1;
  });
  toggle("Difference x 4", "difference");
  let from = null;
  slider.addEventListener("pointerdown", (event) => {
    if (!slider.classList.contains("full")) return;
    from = [event.clientX + slider.scrollLeft, event.clientY + slider.scrollTop];
    event.preventDefault();
  });
  addEventListener("pointermove", (event) => {
    if (from) slider.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
  });
  addEventListener("pointerup", () => (from = null));
  compare.querySelector("h3").after(slider, choice, tools);
}

// What is shown can be kept: pictures as PNG, figures as SVG, tables as CSV.
const link = (text, name, source) => {
  const a = document.createElement("a");
  a.className = "get";
  a.textContent = text;
  a.download = name;
  a.href = source;
  return a;
};
const file = (text, kind) => URL.createObjectURL(new Blob([text], { type: kind }));
const plain = (text) => text.trim().replace(/[^\p{L}\p{N}]+/gu, "-");
for (const compare of document.querySelectorAll(".compare")) {
  for (const figure of compare.querySelectorAll("figure")) {
    const image = figure.querySelector("img");
    const name = plain(compare.dataset.title + " " + figure.dataset.caption) + ".png";
    figure.querySelector("figcaption").append(" ", link("PNG", name, image.src));
  }
}
for (const plot of document.querySelectorAll(".plot")) {
  const svg = plot.querySelector("svg");
  plot.append(link("SVG", plain(svg.getAttribute("aria-label")) + ".svg", file(svg.outerHTML, "image/svg+xml")));
}
for (const table of document.querySelectorAll("table")) {
  if (!table.tHead) continue;
  const cell = (cell) => (/[",\n]/.test(cell.textContent) ? `"${cell.textContent.replaceAll('"', '""')}"` : cell.textContent);
  const rows = [...table.rows].map((row) => [...row.cells].map(cell).join(","));
  const heading = table.closest("section").querySelector("h2").textContent;
  table.parentElement.after(link("CSV", plain(heading) + ".csv", file(rows.join("\n") + "\n", "text/csv")));
}
