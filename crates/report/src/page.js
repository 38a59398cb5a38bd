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
  slider.append(right, left, range);

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
  compare.querySelector("h3").after(slider, choice);
}
