// <lk-copy text="…" done="Copied"><button type="button">Copy</button></lk-copy>
// The word on the button tells that it worked, and so does the live region.
class Copy extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.button?.addEventListener("click", () => this.copy());
    if (this.button) this.button.hidden = false;
  }

  async copy() {
    const text = this.getAttribute("text") ?? "";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      this.byHand(text);
    }
    this.say(this.getAttribute("done") ?? "✓");
  }

  // Plain http on a machine's own name has no clipboard API.
  byHand(text) {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    this.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    this.button.focus();
  }

  say(word) {
    const label = this.button.querySelector("span") ?? this.button;
    this.before ??= label.textContent;
    label.textContent = word;
    const live = document.getElementById("live");
    if (live) live.textContent = word;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (label.textContent = this.before), 2500);
  }
}
customElements.define("lk-copy", Copy);
