// <lk-tabs data-tab="write">: on a phone one of the composer's panes is shown
// at a time. Its links also work as plain anchors when there is no script.
class Tabs extends HTMLElement {
  connectedCallback() {
    this.links = [...this.querySelectorAll("[data-shows]")];
    for (const link of this.links) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.show(link.dataset.shows);
      });
    }
    this.show(this.dataset.tab ?? this.links[0]?.dataset.shows);
  }

  show(name) {
    this.dataset.tab = name;
    for (const link of this.links) link.setAttribute("aria-current", String(link.dataset.shows === name));
  }
}
customElements.define("lk-tabs", Tabs);
