// What Material for MkDocs leaves out for those who use a keyboard or a screen reader: the search window gets a name, and
// whatever scrolls sideways can be reached.
addEventListener("load", () => {
  document.querySelector("[data-md-component=search]")?.setAttribute("aria-label", "Search");
  setTimeout(() => {
    for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) {
      if (wide.scrollWidth > wide.clientWidth) {
        wide.tabIndex = 0;
      }
    }
  }, 300);
});
