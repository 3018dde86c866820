// Draws the charts over the tables that already tell everything, hands out the files the page carries, and marks where
// the reader is. Without it, or in a browser that cannot unpack what is packed, the page stays complete.
(() => {
  "use strict";
  const root = document.documentElement;
  const every = (selector) => [...document.querySelectorAll(selector)];
  const canUnpack = "DecompressionStream" in window;

  const unpacked = (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  // The contents: open beside the text, closed above it, and showing which section is being read.
  const contents = document.querySelector(".contents details");
  if (contents) {
    const wide = matchMedia("(min-width: 64rem)");
    const summary = contents.querySelector("summary");
    const fold = () => {
      contents.open = wide.matches;
      summary.tabIndex = wide.matches ? -1 : 0;
    };
    fold();
    wide.addEventListener("change", fold);
    contents.addEventListener("click", (event) => {
      if (event.target.closest("a") && !wide.matches) contents.open = false;
    });
    contents.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || wide.matches) return;
      contents.open = false;
      summary.focus();
    });
    const links = new Map(every(".contents a").map((link) => [link.hash.slice(1), link]));
    const sections = every("section.level-2");
    let told = null;
    const mark = () => {
      const read = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3).pop();
      const link = links.get(read ? read.id : "top");
      if (link === told) return;
      told?.removeAttribute("aria-current");
      (told = link)?.setAttribute("aria-current", "true");
    };
    const watching = new IntersectionObserver(mark, { rootMargin: "-33% 0px -66% 0px" });
    sections.forEach((section) => watching.observe(section));
    mark();
  }

  // The files: links that lead to nothing until the page has unpacked what they give.
  const files = document.getElementById("files");
  if (files && canUnpack) {
    unpacked("files").then((text) => {
      const offers = every(".download");
      JSON.parse(text).forEach((file, place) => {
        const whole = new Blob(["\ufeff", file], { type: "text/csv;charset=utf-8" });
        offers[place].querySelector("a").href = URL.createObjectURL(whole);
        offers[place].hidden = false;
      });
    });
  }

  // Paper: everything that is folded is opened, but for the longest tables, and is as it was afterwards.
  let closed = [];
  const unfold = () => {
    closed = every("main details:not([open], .long)");
    closed.forEach((details) => (details.open = true));
  };
  const refold = () => closed.forEach((details) => (details.open = false));

  const figures = every("figure[data-chart]");
  if (!figures.length || !canUnpack) {
    addEventListener("beforeprint", unfold);
    addEventListener("afterprint", refold);
    return;
  }

  // The charts.
  const settings = JSON.parse(document.getElementById("settings").textContent);
  const darkTheme = matchMedia("(prefers-color-scheme: dark)");
  const PRINTED_WIDTH = 860; // shown at four fifths of it, as wide as a sheet
  let library, charts;

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

  // What each colour of the light theme is in either theme, as the style sheet says.
  const paletteOf = (theme) => {
    const style = getComputedStyle(root);
    const colours = {};
    for (const each of settings.colours) {
      const said = style.getPropertyValue(`--${theme}-chart-${each.role}`).trim();
      const hex = /^#[\da-f]{6}$/i.test(said);
      const parts = hex && each.alpha ? said.match(/[\da-f]{2}/gi).map((part) => parseInt(part, 16)) : null;
      colours[each.light.toLowerCase()] = parts ? `rgba(${parts},${each.alpha[theme]})` : hex ? said : each[theme];
    }
    return colours;
  };

  const dressed = (value, colours, font) => {
    if (typeof value === "string") return colours[value.toLowerCase()] ?? value;
    if (Array.isArray(value)) return value.map((each) => dressed(each, colours, font));
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, each]) => [key, key === "family" ? font : dressed(each, colours, font)]));
  };

  const plotOf = (figure) => figure.querySelector(".plot");
  const themeNow = () => (darkTheme.matches ? "dark" : "light");

  const specOf = (figure, { theme, width }) => {
    const font = getComputedStyle(document.body).fontFamily;
    const { data, layout } = dressed(charts[figure.dataset.chart - 1], paletteOf(theme), font);
    return [data, { ...layout, width, autosize: width === undefined, dragmode: false }, settings.config];
  };

  const draw = async (figure) => {
    if (figure.dataset.state) return;
    figure.dataset.state = "waiting";
    try {
      const plotly = await load();
      figure.classList.add("drawn");
      await plotly.newPlot(plotOf(figure), ...specOf(figure, { theme: themeNow() }));
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

  darkTheme.addEventListener("change", () => redrawAll({ theme: themeNow() }));
  addEventListener("beforeprint", () => {
    unfold();
    redrawAll({ theme: "light", width: PRINTED_WIDTH });
  });
  addEventListener("afterprint", () => {
    refold();
    redrawAll({ theme: themeNow() });
  });
})();
