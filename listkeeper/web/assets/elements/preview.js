// <lk-preview>: the switches choose what the frame shows. Without script they are
// a form whose button fills the frame. Two frames change places, so that the
// preview does not blink.
class Preview extends HTMLElement {
  connectedCallback() {
    if (this.form) return;
    this.form = this.querySelector("form");
    this.form.addEventListener("change", () => this.refresh());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.refresh();
    });
    this.saved = (event) => this.refresh(event.detail.version);
    document.body.addEventListener("lk:saved", this.saved);
    // A browser that restores the page after "back" restores the switches, but not what they show.
    if (this.address() !== this.querySelector("iframe").getAttribute("src")) this.refresh();
  }

  disconnectedCallback() {
    document.body.removeEventListener("lk:saved", this.saved);
  }

  address() {
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (value) asked.set(name, value);
    // A page that is come back to has the fields it was left with, and is of another version.
    asked.set("v", this.dataset.version);
    const page = (asked.get("part") === "text" && this.dataset.text) || this.form.getAttribute("action");
    return `${page}?${asked}`;
  }

  refresh(version = null) {
    if (version) this.dataset.version = version;
    const frames = [...this.querySelectorAll("iframe")];
    for (const late of frames.slice(1)) late.remove();
    const fresh = frames[0].cloneNode();
    fresh.src = this.address();
    fresh.classList.add("coming");
    fresh.dataset.scheme = new FormData(this.form).get("scheme") ?? "light";
    fresh.addEventListener("load", () => {
      fresh.classList.remove("coming");
      frames[0].remove();
    });
    frames[0].after(fresh);
  }
}
customElements.define("lk-preview", Preview);
