// <lk-autosubmit><form>…<select>…</form></lk-autosubmit>: choosing is enough;
// without script the form's own button is there.
class AutoSubmit extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    const button = form?.querySelector("button");
    if (button) button.hidden = true;
    form?.addEventListener("change", () => form.requestSubmit());
  }
}
customElements.define("lk-autosubmit", AutoSubmit);
