// <lk-localtime><time datetime="…Z">23 Nov 2026, 03:15 UTC</time></lk-localtime>
// shows the moment in the reader's own zone; without script the UTC text stays.
class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector("time");
    const moment = new Date(time?.dateTime ?? "");
    if (Number.isNaN(moment.getTime())) return;
    const shape = { dateStyle: this.hasAttribute("short") ? "short" : "medium", timeStyle: "short" };
    if (this.hasAttribute("date")) delete shape.timeStyle;
    time.title = time.textContent.trim();
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang || undefined, shape).format(moment);
  }
}
customElements.define("lk-localtime", LocalTime);
