// <lk-upload data-bring data-pick data-says>: a picture is chosen, dropped or
// pasted, or taken from the library, and stands in the fields of its block.
import { composerWords, filled, say } from "./composer_words.js";

const PICTURES = "image/jpeg,image/png,image/gif,image/webp,image/avif";

class Upload extends HTMLElement {
  connectedCallback() {
    if (this.chooser) return;
    this.chooser = Object.assign(document.createElement("input"), { type: "file", accept: PICTURES, hidden: true });
    this.append(this.chooser);
    this.chooser.addEventListener("change", () => this.bring(this.chooser.files[0]));
    this.on("[data-choose]", () => this.chooser.click());
    this.on("[data-library]", () => this.pick());
    this.on("[data-clear]", () => this.take({ src: "", width: 0, height: 0, alt: "" }));
    this.addEventListener("dragover", (event) => this.over(event));
    this.addEventListener("dragleave", () => this.classList.remove("over"));
    this.addEventListener("drop", (event) => this.dropped(event));
    this.addEventListener("paste", (event) => this.given(event, event.clipboardData));
    this.addEventListener("input", ({ target }) => target.name?.endsWith("src") && this.draw());
    this.addEventListener("lk:shown", () => this.draw());
    this.draw();
  }

  on(what, act) {
    this.querySelector(what).addEventListener("click", act);
  }

  field(name) {
    return this.querySelector(`[name$="${name}"]`);
  }

  over(event) {
    if (![...event.dataTransfer.items].some((item) => item.kind === "file")) return;
    event.preventDefault();
    this.classList.add("over");
  }

  dropped(event) {
    this.classList.remove("over");
    this.given(event, event.dataTransfer);
  }

  given(event, data) {
    const file = [...(data?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    this.bring(file);
  }

  // XMLHttpRequest, because it alone tells how much of a picture has left.
  bring(file) {
    if (!file) return;
    const { words } = composerWords();
    const body = new FormData();
    body.append("picture", file);
    const asked = new XMLHttpRequest();
    asked.open("POST", this.dataset.bring);
    asked.setRequestHeader("Accept", "application/json");
    asked.setRequestHeader("X-CSRFToken", document.querySelector("input[name=csrf_token]").value);
    asked.timeout = 120_000;
    const bar = this.querySelector("progress");
    bar.hidden = false;
    bar.removeAttribute("value");
    this.tell(filled(words.bringing, { name: file.name }));
    asked.upload.onprogress = ({ lengthComputable, loaded, total }) => lengthComputable && (bar.value = loaded / total);
    asked.onload = () => this.answered(asked);
    asked.onerror = asked.ontimeout = () => this.tell(words.notBrought);
    asked.onloadend = () => (bar.hidden = true);
    asked.send(body);
    this.chooser.value = "";
  }

  answered(asked) {
    const { words } = composerWords();
    let said = {};
    try {
      said = JSON.parse(asked.responseText);
    } catch {
      // A page of a proxy, or of the sign-in.
    }
    if (asked.status !== 201) return this.tell(said.detail ?? words.notBrought);
    this.take(said);
    this.tell(said.note || words.brought);
    this.field("alt").focus();
  }

  /** Put a picture into the fields. Words of the library stand only where none were written. */
  take({ src, width, height, alt }) {
    this.field("src").value = src;
    this.field("width").value = width;
    this.field("height").value = height;
    if (alt && !this.field("alt").value) this.field("alt").value = alt;
    this.field("src").dispatchEvent(new Event("input", { bubbles: true }));
  }

  async pick() {
    const dialog = document.getElementById("ask-picture");
    dialog.onclick = (event) => this.picked(event, dialog);
    await this.shelf(dialog, this.dataset.pick);
    dialog.showModal();
  }

  async shelf(dialog, address) {
    const place = dialog.querySelector("[data-shelf]");
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...page.body.childNodes);
    } catch {
      place.textContent = composerWords().words.noLibrary;
    }
  }

  picked(event, dialog) {
    const older = event.target.closest("[data-older]");
    if (older) {
      event.preventDefault();
      this.shelf(dialog, older.getAttribute("href"));
    }
    const button = event.target.closest("[data-picture]");
    if (!button) return;
    const { src, width, height, alt } = button.dataset;
    dialog.close();
    this.take({ src, width, height, alt });
    this.field("alt").focus();
  }

  draw() {
    const { value } = this.field("src");
    const image = this.querySelector("[data-thumb]");
    // Only pictures of this host: the page loads nothing from anywhere else.
    const own = value.startsWith("/") && !value.startsWith("//");
    image.hidden = !own;
    if (own && image.getAttribute("src") !== value) image.src = value;
    this.querySelector("[data-clear]").hidden = !value;
  }

  tell(sentence) {
    this.querySelector("[data-told]").textContent = sentence;
    say(sentence);
  }
}
customElements.define("lk-upload", Upload);
