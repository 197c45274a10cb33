// Pieces of letters that are kept for other letters.
import { composerWords } from "./composer_words.js";

const address = () => document.querySelector("lk-letter").dataset.snippets;
let read = [];

/** The pieces that hold blocks, or those that are Markdown; none when they cannot be had. */
export async function snippets(kind) {
  try {
    const answer = await fetch(address(), { headers: { Accept: "application/json" } });
    read = (await answer.json()).snippets;
  } catch {
    // Without a connection there is what was read before.
  }
  return read.filter((each) => each[kind].length);
}

/** The blocks of a piece. */
export function snippetBlocks(id) {
  return read.find((each) => each.id === id)?.blocks ?? [];
}

/** Keep blocks under a name, and say what became of it. */
export async function saveSnippet(name, blocks, token) {
  const { words } = composerWords();
  try {
    const answer = await fetch(address(), {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ name, blocks }),
    });
    if (answer.ok) return { sentence: words.pieceKept, tone: "good" };
    return { sentence: (await answer.json()).detail, tone: "bad" };
  } catch {
    return { sentence: words.pieceNotKept, tone: "bad" };
  }
}
