// <lk-draft words="{…}"><form>…</form></lk-draft> saves a signup form while it is
// built. One save at a time; each carries the version it was made on, and
// "saved" is said only when the server's new version number has come back.
const PAUSE = 700;
const RETRIES = [2000, 4000, 8000, 15000];

class Draft extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.words = JSON.parse(this.getAttribute("words"));
    this.written = 0;
    this.kept = 0;
    this.failures = 0;
    this.form.addEventListener("input", () => this.changed());
    this.form.addEventListener("submit", (event) => this.pressed(event));
    this.listener = (event) => this.kept < this.written && event.preventDefault();
    window.addEventListener("beforeunload", this.listener);
    const mine = this.querySelector("[data-keep-mine]");
    mine.hidden = false;
    mine.addEventListener("click", () => this.keepMine());
    for (const way of document.querySelectorAll("[data-after-save]")) {
      way.addEventListener(way.matches("form") ? "submit" : "click", (event) => this.firstSave(way, event));
    }
    // A browser that restores the page after "back" restores the old version field too.
    this.form.elements.version.value = this.form.elements.version.defaultValue;
  }

  disconnectedCallback() {
    window.removeEventListener("beforeunload", this.listener);
    clearTimeout(this.timer);
  }

  changed() {
    this.written += 1;
    if (this.stopped) return;
    this.say("saving");
    this.soon(PAUSE);
  }

  soon(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  pressed(event) {
    event.preventDefault();
    this.written += 1;
    this.say("saving");
    this.save();
  }

  // "Send" and "Send test" take what is stored, so what was typed a moment ago is stored first.
  async firstSave(way, event) {
    if (this.kept >= this.written) return;
    event.preventDefault();
    for (let tries = 0; tries < 100 && this.kept < this.written && !this.stopped && !this.failures; tries += 1) {
      await this.save();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (this.kept < this.written) return;
    if (way.matches("form")) way.requestSubmit();
    else way.click();
  }

  async save() {
    if (this.busy || this.stopped) return;
    clearTimeout(this.timer);
    this.busy = true;
    const taken = this.written;
    try {
      const reply = await fetch(this.form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(new FormData(this.form)),
        redirect: "error",
      });
      const said = await reply.json();
      this.failures = 0;
      this.answered(reply.status, said, taken);
    } catch {
      this.failures += 1;
      this.say("offline");
      this.soon(RETRIES[Math.min(this.failures, RETRIES.length) - 1]);
    } finally {
      this.busy = false;
      if (taken < this.written && !this.failures && !this.stopped) this.soon(PAUSE);
    }
  }

  answered(status, said, taken) {
    if (status === 200) {
      this.kept = taken;
      this.renewed = false;
      this.form.elements.version.value = said.version;
      this.form.elements.version.defaultValue = said.version;
      this.say(this.kept < this.written ? "saving" : "saved", said.saved_at);
      this.dispatchEvent(new CustomEvent("lk:saved", { bubbles: true, detail: said }));
      this.refresh(said.version);
    } else if (status === 412) {
      this.stopped = true;
      this.theirs = said.version;
      this.say("elsewhere");
      const place = this.querySelector("[data-elsewhere]");
      place.hidden = false;
      place.querySelector("[data-theirs]").value = said.body;
      place.querySelector("[data-their-subject]").textContent = said.subject;
      place.focus();
    } else if (said.code === "page_too_old" && !this.renewed) {
      // Signed in again in another tab: the session has another token now.
      this.renewed = true;
      this.renew();
    } else {
      // Signed out, or too long: the words stay in the fields, and leaving the page still warns.
      this.say("refused", null, said.detail ?? said.message);
    }
  }

  async renew() {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const token = page.querySelector("input[name=csrf_token]")?.value;
    for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token ?? field.value;
    this.soon(0);
  }

  keepMine() {
    this.stopped = false;
    this.form.elements.version.value = this.theirs;
    this.querySelector("[data-elsewhere]").hidden = true;
    this.written += 1;
    this.save();
  }

  // Two frames change places, so that the preview does not blink.
  refresh(version) {
    for (const old of document.querySelectorAll("iframe[data-preview]")) {
      const fresh = old.cloneNode();
      fresh.src = `${old.dataset.preview}?v=${version}`;
      fresh.classList.add("coming");
      fresh.addEventListener("load", () => {
        fresh.classList.remove("coming");
        old.remove();
      });
      if (old.dataset.preview) old.after(fresh);
    }
  }

  say(state, moment, detail) {
    const place = this.querySelector("[data-state]");
    const at = moment && new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(moment));
    place.dataset.state = state;
    const word = detail ?? (at ? `${this.words[state]} ${at}` : this.words[state]);
    // Screen readers are told of a change of state, not of every keystroke.
    if (place.textContent !== word) place.textContent = word;
  }
}
customElements.define("lk-draft", Draft);
