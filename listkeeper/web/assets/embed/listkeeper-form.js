// <listkeeper-form form="news"><form …the plain form…></form></listkeeper-form>
// The form of a list on anybody's page. The plain form inside stands until the
// words of the form have come, and for good where this script is kept away.
// All words are the server's. Nothing is stored, no cookie is sent.
import css from "./listkeeper-form.css";

const FORMS = new URL("../f/", document.currentScript.src).href;
// Not `s`, which on many sites is what somebody searched for; the attribute `source` says it.
const MARKS = /^utm_(source|medium|campaign|content|term)$/;
const SECOND = 1e3;

const make = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const each in attributes) made.setAttribute(each, attributes[each]);
  made.append(...children);
  return made;
};
const text = (words, kind = "") => make("p", { class: kind, part: kind || "text" }, words);

class Form extends HTMLElement {
  connectedCallback() {
    if (!this.root) {
      this.root = this.attachShadow({ mode: "open" });
      this.root.adoptedStyleSheets = [sheet];
      this.box = make("div", { class: "box" }, make("slot"));
      this.live = make("p", { role: "status" });
      this.root.append(this.box, this.live);
    }
    this.online = () => this.wake?.();
    addEventListener("online", this.online);
    if (!this.form) this.open();
  }

  disconnectedCallback() {
    removeEventListener("online", this.online);
    this.turn = this.busy = 0;
    this.online();
  }

  // One question; whatever is no answer of ours (no line, a login page of a hotel, a fault) throws.
  async ask(step, data) {
    const answer = await fetch(`${FORMS}${encodeURIComponent(this.getAttribute("form"))}/embed${step}`, {
      method: data ? "POST" : "GET",
      body: data && new URLSearchParams(data),
      credentials: "omit",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout?.(20 * SECOND),
    });
    if (answer.status > 499 || answer.status == 429) throw answer;
    return { status: answer.status, ...(await answer.json()) };
  }

  // The same question, until it is answered or somebody has another one.
  async until(step, data, waiting) {
    const mine = (this.turn = {});
    for (let pause = SECOND; this.turn == mine; pause = Math.min(2 * pause, 60 * SECOND)) {
      try {
        const answer = await this.ask(step, data);
        if (this.turn == mine) return answer;
      } catch {
        if (this.turn != mine) break;
        waiting?.();
        await new Promise((done) => {
          this.wake = done;
          setTimeout(done, pause * (0.75 + Math.random() / 2));
        });
        this.wake = null;
      }
    }
    return {};
  }

  marks() {
    const found = [...new URLSearchParams(location.search)].filter(([name]) => MARKS.test(name));
    if (this.hasAttribute("source")) found.push(["s", this.getAttribute("source")]);
    return `?${new URLSearchParams(Object.fromEntries(found))}`;
  }

  async open() {
    const answer = await this.until(this.marks());
    if (!answer.status) return;
    if (answer.status != 200) return this.close(answer);
    // Somebody may have begun to type into the plain form.
    const plain = this.querySelector("[name=email]");
    const typing = plain && plain == document.activeElement;
    this.show(answer, plain?.value);
    if (typing) this.field("email").focus();
  }

  show(form, typed = "") {
    this.form = form;
    const { words, notice, colours } = form;
    this.box.lang = form.language;
    this.box.dir = form.direction;
    this.box.style.setProperty("--brand", colours[0]);
    this.box.style.setProperty("--ink", colours[1]);
    const email = make("input", {
      id: "email", name: "email", type: "email", part: "field", inputmode: "email", autocomplete: "email",
      autocapitalize: "off", autocorrect: "off", spellcheck: "false", enterkeyhint: "send", required: "",
    });
    email.value = typed;
    // Another address is another wish: the one that waits for a line is not sent any more.
    email.oninput = () => this.rest();
    const boxes = form.boxes.map(({ name, label, free }) => {
      const box = make("input", { id: name, name, type: "checkbox", value: "yes" });
      box.required = !free;
      return make("label", { class: "tick" }, box, make("span", {}, label));
    });
    const said = form.texts.map((words) => text(words, "small"));
    // Where each purpose has a box, its words stand beside that; where it has none, above the button that is the act.
    const agreed = form.choose ? [text(form.choose), ...boxes, ...said] : [...said, ...boxes];
    const asking = make(
      "form", { novalidate: "", part: "form" },
      text(form.title, "title"), ...form.lead.map((words) => text(words)),
      make("label", { for: "email" }, words.email), email,
      ...agreed,
      make("button", { part: "button" }, form.button),
    );
    if (notice) asking.append(make("a", { href: new URL(notice.href, FORMS).href, class: "small" }, notice.label));
    this.sends(asking, "", () => ({ ...form.hidden, ...Object.fromEntries(new FormData(asking)) }), (answer, data) => {
      if (answer.form) this.show(answer.form, data.email);
      if (answer.status == 200) this.look(answer, data.email.trim());
      else this.wrong(answer);
    });
    this.put(asking);
  }

  sends(form, step, data, then) {
    form.onsubmit = async (event) => {
      event.preventDefault();
      // Pressed again while it waits for a line: try at once. Pressed again while it is on its way: it is.
      if (this.busy) return this.wake?.();
      const { words } = this.form;
      const field = form.querySelector("input");
      this.clear();
      this.say(words.sending);
      this.busy = field.readOnly = true;
      // A page is good for one sign-up: another one takes what was handed out anew.
      await this.fresh;
      const sent = data();
      const answer = await this.until(step, sent, () => {
        field.readOnly = false;
        this.say(words.kept);
      });
      if (!answer.status) return;
      this.busy = field.readOnly = false;
      this.say("");
      if (answer.step) return this.elsewhere(sent);
      if (answer.status == 403 || answer.status == 404) return this.close(answer);
      then(answer, sent);
    };
  }

  rest() {
    if (!this.wake) return;
    this.turn = this.busy = 0;
    this.wake();
    this.say("");
  }

  look(answer, address) {
    const { words } = this.form;
    const code = make("input", {
      id: "code", name: "code", part: "field", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "9",
      enterkeyhint: "done", required: "",
    });
    const form = make(
      "form", { novalidate: "", part: "form" }, make("label", { for: "code" }, words.code), code,
      make("button", { part: "button" }, words.confirm),
    );
    const again = make("button", { type: "button", class: "quiet", part: "quiet" }, words.again);
    again.onclick = () => this.again(address);
    const data = () => ({ visit: answer.visit, code: code.value });
    this.sends(form, "/code", data, (joined) => {
      if (joined.status != 200) return this.wrong(joined);
      const way = joined.onward.map(([href, name]) => make("a", { href, class: "button", part: "button" }, name));
      this.put(text(joined.title, "title"), text(joined.text), ...way, text(joined.leave, "small"));
    });
    const parts = [text(words.sent, "title"), text(words.look.replace("{address}", () => address))];
    // A slip is named; whether it is one she knows alone.
    if (answer.meant) parts.push(text(answer.meant, "note"));
    this.put(...parts, form, text(words.wait, "small"), again);
  }

  again(address) {
    this.show(this.form, address);
    this.field("email").focus();
    this.fresh = this.ask(this.marks()).then((fresh) => fresh.status == 200 && Object.assign(this.form.hidden, fresh.hidden), () => 0);
  }

  // What this script does not know how to ask, our own page does, in this tab and with all that was typed.
  elsewhere(data) {
    const action = FORMS + this.getAttribute("form");
    const form = make("form", { method: "post", action, hidden: "" });
    for (const name in data) form.append(make("input", { type: "hidden", name, value: data[name] }));
    this.append(form);
    form.submit();
  }

  close({ detail, label }) {
    const way = label ? [make("a", { href: FORMS + this.getAttribute("form"), class: "button", part: "button" }, label)] : [];
    this.put(text(detail, "title"), ...way);
  }

  field(name) {
    return this.root.getElementById(name);
  }

  wrong({ field: name, detail }) {
    const field = this.field(name ?? "email") ?? this.box.querySelector("input");
    const said = make("p", { id: "wrong", class: "wrong", part: "wrong" }, detail);
    (field.closest("label") ?? field).after(said);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", "wrong");
    field.focus();
  }

  clear() {
    this.field("wrong")?.remove();
    for (const each of this.box.querySelectorAll("[aria-invalid]")) {
      each.removeAttribute("aria-invalid");
      each.removeAttribute("aria-describedby");
    }
  }

  say(words) {
    this.live.textContent = words;
  }

  // Whoever is in the form is led on by it; whoever reads something else by now is told, and stays there.
  put(...parts) {
    const begun = this.box.firstChild.nodeName != "SLOT";
    const inside = document.activeElement == this || document.activeElement == document.body;
    this.box.replaceChildren(...parts);
    const title = this.box.querySelector(".title");
    title.setAttribute("role", "heading");
    title.setAttribute("aria-level", "3");
    if (!begun) return;
    title.tabIndex = -1;
    if (inside) title.focus();
    else this.say(title.textContent);
  }
}

const sheet = window.CSSStyleSheet && "adoptedStyleSheets" in Document.prototype && new CSSStyleSheet();
if (sheet && !customElements.get("listkeeper-form")) {
  sheet.replaceSync(css);
  customElements.define("listkeeper-form", Form);
}
