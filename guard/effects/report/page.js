"use strict";
(async () => {
  const root = document.documentElement;
  const places = [...document.querySelectorAll("[data-chart]")];
  if (!places.length) {
    root.dataset.charts = "none";
    return;
  }

  // Plotly is packed, because it is most of the file.
  const unpack = async () => {
    const text = document.getElementById("plotly").textContent;
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };

  // Seconds of the test as dates of a day that begins with it. Plotly takes small numbers for years.
  const date = (seconds) => Date.UTC(2001, 0, 1) + 1000 * seconds;
  const dated = ({ data, layout }) => {
    for (const trace of data) trace.x = trace.x.map(date);
    for (const shape of layout.shapes) [shape.x0, shape.x1] = [date(shape.x0), date(shape.x1)];
    for (const note of layout.annotations) note.x = date(note.x);
    layout.xaxis.range = layout.xaxis.range.map(date);
  };

  const fit = (layout, width) => {
    const narrow = width < 560;
    const [from, to] = layout.xaxis.range;
    const nticks = Math.min(narrow ? 5 : 12, (to - from) / 1000 + 1); // no two in one second
    const fitted = { ...layout, width, xaxis: { ...layout.xaxis, nticks } };
    if (narrow) {
      fitted.margin = { ...layout.margin, l: 48, r: 34 };
      fitted.font = { ...layout.font, size: 11 };
      for (const axis of ["yaxis", "yaxis2", "yaxis3"]) {
        if (layout[axis]) {
          fitted[axis] = { ...layout[axis], title: { text: "" }, nticks: 5 };
        }
      }
    }
    // A finger is for scrolling the page.
    fitted.dragmode = matchMedia("(pointer: fine)").matches ? "zoom" : false;
    return fitted;
  };

  try {
    await unpack();
    const figures = JSON.parse(document.getElementById("figures").textContent);
    Object.values(figures).forEach(dated);
    const config = { displaylogo: false, displayModeBar: false, showTips: false };
    const draw = (place, width) => {
      const { data, layout } = figures[place.dataset.chart];
      return Plotly.react(place, data, fit(layout, width), config);
    };
    const drawAll = (width) => places.map((place) => draw(place, width || place.clientWidth));
    for (const place of places) {
      await draw(place, place.clientWidth);
    }
    let waiting = 0;
    let last = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === last) return;
      last = innerWidth;
      clearTimeout(waiting);
      waiting = setTimeout(drawAll, 150);
    });
    addEventListener("beforeprint", () => drawAll(670)); // the width of a page of A4
    addEventListener("afterprint", () => drawAll());
    root.dataset.charts = "drawn";
  } catch (error) {
    root.dataset.charts = "failed";
    for (const place of places) {
      place.textContent = `This browser can't draw the chart: ${error.message || error}`;
    }
  }
})();
