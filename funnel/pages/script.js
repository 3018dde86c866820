// Draws the charts over the tables that already tell everything. Without it, or in a browser that cannot
// unpack the library, the page stays complete.
(() => {
  "use strict";
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  if (!figures.length || !("DecompressionStream" in window)) return;

  const settings = JSON.parse(document.getElementById("settings").textContent);
  const darkTheme = matchMedia("(prefers-color-scheme: dark)");
  const PRINTED_WIDTH = 672;
  let library, charts;

  const unpacked = (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  const load = () =>
    (library ??= (async () => {
      charts = JSON.parse(await unpacked("charts"));
      const source = await unpacked("plotly");
      const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      await new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = done;
        script.onerror = failed;
        document.head.append(script);
      });
      URL.revokeObjectURL(address);
      window.Plotly.register(settings.locale);
      return window.Plotly;
    })());

  const recoloured = (value) => {
    if (typeof value === "string") return settings.dark[value.toLowerCase()] ?? value;
    if (Array.isArray(value)) return value.map(recoloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, recoloured(each)]));
  };

  const plotOf = (figure) => figure.querySelector(".plot");

  const specOf = (figure, { dark, width }) => {
    const written = structuredClone(charts[figure.dataset.chart - 1]);
    const { data, layout } = dark ? recoloured(written) : written;
    return [data, { ...layout, width, autosize: width === undefined, dragmode: false }, settings.config];
  };

  const draw = async (figure) => {
    if (figure.dataset.state) return;
    figure.dataset.state = "waiting";
    try {
      const plotly = await load();
      figure.classList.add("drawn");
      await plotly.newPlot(plotOf(figure), ...specOf(figure, { dark: darkTheme.matches }));
      figure.dataset.state = "drawn";
      const details = figure.parentElement.querySelector(":scope > details.numbers");
      if (details) details.open = false;
    } catch (problem) {
      figure.classList.remove("drawn");
      figure.dataset.state = "failed";
      console.error(problem);
    }
  };

  const redrawAll = (how) => {
    for (const figure of figures) {
      if (figure.dataset.state === "drawn") window.Plotly.react(plotOf(figure), ...specOf(figure, how));
    }
  };

  const drawTheRest = async () => {
    for (const figure of figures) {
      await draw(figure);
      await new Promise((next) => setTimeout(next));
    }
  };

  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        seen.unobserve(entry.target);
        draw(entry.target);
      }
    },
    { rootMargin: "400px" },
  );
  figures.forEach((figure) => seen.observe(figure));
  addEventListener("load", () => setTimeout(drawTheRest, 300));

  darkTheme.addEventListener("change", () => redrawAll({ dark: darkTheme.matches }));

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open], .long)")];
    closed.forEach((details) => (details.open = true));
    redrawAll({ dark: false, width: PRINTED_WIDTH });
  });
  addEventListener("afterprint", () => {
    closed.forEach((details) => (details.open = false));
    redrawAll({ dark: darkTheme.matches });
  });
})();
