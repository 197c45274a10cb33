// Fields that hold one plain text: what is put into them and pasted into them,
// and addresses that were typed as people type them.
import { askPiece, askTag, whole } from "./ask.js";
import { composerWords } from "./composer_words.js";
import { spoken, translated } from "./merge_tags.js";

const PLAIN = "input:not([type=color], [type=number]), textarea:not([data-rich])";

export class PlainLines {
  /** `tell` hears what became of the merge tags of other products. */
  constructor(root, tell) {
    this.tell = tell;
    // A field in which nobody has been has its cursor before the first word, where nobody wants a name.
    this.been = new WeakSet();
    root.addEventListener("focusin", ({ target }) => this.been.add(target));
    root.addEventListener("paste", (event) => event.target.matches(PLAIN) && this.pasted(event));
    root.addEventListener("change", ({ target }) => target.matches("[data-address]") && this.completed(target));
  }

  async putTag(field) {
    this.put(field, await askTag());
  }

  async putPiece(field) {
    this.put(field, (await askPiece())?.markdown);
  }

  put(field, text) {
    if (!text) return;
    const end = field.value.length;
    const [from, to] = this.been.has(field) ? [field.selectionStart, field.selectionEnd] : [end, end];
    field.setRangeText(text, from, to, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  pasted(event) {
    const { words, tags } = composerWords();
    const heard = [];
    const told = (foreign, here) => heard.push(here ? `${foreign} → ${spoken(here, tags, words.or)}` : `${foreign}: ${words.unknownTag}`);
    const text = translated(event.clipboardData?.getData("text/plain") ?? "", told);
    if (!heard.length) return;
    event.preventDefault();
    this.put(event.target, event.target.matches("textarea") ? text : text.replace(/\s+/g, " "));
    this.tell(`${words.converted} ${[...new Set(heard)].join(" · ")}`);
  }

  completed(field) {
    const address = whole(field.value.trim());
    if (address === field.value) return;
    field.value = address;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
