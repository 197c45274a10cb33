// Two people, or two tabs, wrote on the same version: both are shown, marked
// where they differ, and the person decides. Nothing is lost meanwhile.
import { composerWords, say } from "./composer_words.js";
import { differences } from "./compare.js";

export class LetterConflict {
  constructor(letter) {
    this.letter = letter;
    this.box = letter.querySelector("[data-elsewhere]");
    this.box.querySelector("[data-keep-mine]").addEventListener("click", () => this.keepMine());
    this.box.querySelector("[data-take-theirs]").addEventListener("click", (event) => this.takeTheirs(event));
  }

  /** Show what is stored now beside what is written here. */
  show(current) {
    this.current = current;
    const { words, kinds, tags } = composerWords();
    const rows = differences(current.document, this.letter.document, { words, kinds, tags });
    this.box.querySelector("[data-differences]").replaceChildren(...rows);
    // Words for blocks cannot be laid on a letter that is Markdown by now.
    this.box.querySelector("[data-keep-mine]").hidden = current.document.mode !== this.letter.mode;
    this.box.querySelector("[data-other-mode]").hidden = current.document.mode === this.letter.mode;
    this.box.hidden = false;
    this.letter.querySelector("lk-tabs")?.show("write");
    this.box.focus();
  }

  keepMine() {
    const { letter, current } = this;
    this.box.hidden = true;
    const order = letter.blocks?.order ?? [];
    letter.show(current.document);
    letter.queue.keepMine(current, order);
    letter.querySelector("[data-state]").scrollIntoView({ block: "nearest" });
    letter.querySelector("#subject").focus();
  }

  async takeTheirs(event) {
    event.preventDefault();
    await this.letter.queue.throwAway();
    this.letter.reload();
  }

  /** A block that is written on here was removed elsewhere: it can be put back. */
  gone(entry) {
    const { words } = composerWords();
    const { letter } = this;
    const { block } = entry.change;
    letter.state.note(
      words.blockGone,
      "warn",
      [words.putBack, (box) => {
        box.remove();
        const item = block && letter.blocks.item(block.id);
        letter.queue.instead(entry, block && { op: "insert", block, after: item ? letter.blocks.before(item) : null });
      }],
      [words.letGo, (box) => {
        box.remove();
        letter.blocks.item(block?.id ?? entry.change.id)?.remove();
        letter.queue.instead(entry);
        say(words.letGo);
      }],
    );
  }
}
