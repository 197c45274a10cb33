// What is said about the letter's saving: in words, with an icon, and "saved"
// only when the server's version number has come back.
import { composerWords, filled, say } from "./composer_words.js";
import { readable } from "./merge_tags.js";
import { firstWords } from "./block_fields.js";

const ICONS = { saved: "check", saving: "again", offline: "down", elsewhere: "warn", refused: "warn" };

export class LetterState {
  constructor(letter) {
    this.letter = letter;
  }

  say({ state, savedAt, detail, device }) {
    const { words } = composerWords();
    const place = document.querySelector("[data-state]");
    const time = (at) => new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(at));
    let sentence = words[state];
    if (state === "saved" && savedAt) sentence = `${words.saved} ${time(savedAt)}`;
    if (state === "offline" && !device) sentence = words.offlineNotKept;
    if (state === "refused" && detail) sentence = `${words.refused} ${detail}`;
    place.dataset.state = state;
    place.dataset.device = device ? "keeps" : "forgets";
    place.querySelector("use").setAttribute("href", `#i-${ICONS[state]}`);
    const word = place.querySelector("[data-word]");
    // Screen readers are told of a change of state, not of every keystroke.
    if (word.textContent !== sentence) word.textContent = sentence;
  }

  /** A sentence above the letter that stays until it is closed. */
  note(sentence, tone = "good", ...buttons) {
    const box = document.getElementById("note").content.firstElementChild.cloneNode(true);
    box.classList.add(tone);
    box.querySelector("span").textContent = sentence;
    for (const [word, act] of buttons) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "secondary outline small", textContent: word });
      button.addEventListener("click", () => act(box));
      box.querySelector("[data-close]").before(button);
    }
    box.querySelector("[data-close]").addEventListener("click", () => box.remove());
    const place = document.querySelector("[data-notes]");
    place.replaceChildren(box);
    place.scrollIntoView({ block: "nearest" });
    say(sentence);
    return box;
  }

  /** Say that changes of an earlier page are being sent, and let the person see or undo them. */
  fromBefore(record, version) {
    const { words } = composerWords();
    const changes = [...record.line, ...record.refused].map((entry) => entry.change);
    this.note(
      filled(words.fromBefore, { count: changes.length }),
      "warn",
      [words.look, (box) => this.list(box, changes)],
      [words.throwAway, (box) => this.throwAway(box, version)],
    );
  }

  list(box, changes) {
    if (box.querySelector("ul")) return;
    const list = document.createElement("ul");
    for (const change of changes) list.append(Object.assign(document.createElement("li"), { textContent: this.spoken(change) }));
    box.append(list);
  }

  spoken(change) {
    const { words, kinds, tags } = composerWords();
    const block = change.block ?? { type: this.letter.blocks?.item(change.id)?.dataset.type };
    const text = { head: () => change.subject, body: () => change.markdown ?? change.html, theme: () => "" }[change.op];
    const said = text ? text() : readable(firstWords(block), tags, words.or);
    const what = { head: words.subject, body: words.letter, theme: words.theme }[change.op] ?? kinds[block.type] ?? words.letter;
    return filled(words[`did_${change.op}`] ?? "{what}", { what }) + (said ? `: ${said.slice(0, 200)}` : "");
  }

  // What has been sent meanwhile is undone by going back to the version this page began with.
  async throwAway(box, version) {
    const { queue } = this.letter;
    const sent = queue.version !== version || queue.busy;
    await queue.throwAway();
    box.remove();
    if (sent) {
      queue.add({ op: "restore", number: version });
      await queue.settled();
    } else this.letter.reload();
  }
}
