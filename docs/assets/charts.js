// Draws the charts of a notebook's page: each lies in it as JSON.
for (const place of document.querySelectorAll(".chart")) {
  const figure = JSON.parse(place.querySelector("script").textContent);
  Plotly.newPlot(place, figure.data, figure.layout, { ...figure.config, responsive: true, displaylogo: false });
}
