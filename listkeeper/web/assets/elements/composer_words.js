// The sentences and merge tags that the page brings for its scripts.
let read = null;

/** Return {words, tags, kinds} of the composer on this page; `kinds` says what each kind of block is called. */
export function composerWords() {
  if (!read) {
    const { words, tags, kinds } = JSON.parse(document.querySelector("lk-letter").dataset.says);
    read = { words, tags, kinds: Object.fromEntries(kinds) };
  }
  return read;
}

/** Tell screen readers. The same sentence twice is two sentences. */
export function say(sentence) {
  const live = document.getElementById("live");
  if (live) live.textContent = live.textContent === sentence ? `${sentence}\u00a0` : sentence;
}

/** A sentence with numbers and names in the places of {name}. */
export function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
