// The differences between two states of a letter, as rows to read: what is
// stored, what is written here, and which words differ.
import { readable } from "./merge_tags.js";

// Beyond this many words two texts are shown whole, without marks.
const MOST = 1200;

/** Rows for every part that differs. */
export function differences(theirs, mine, { words, kinds, tags }) {
  const shown = (text) => readable(text, tags, words.or);
  const rows = [];
  const add = (name, one, other, alike = true) => {
    if (one !== other) rows.push(row(name, shown(one), shown(other), words));
    else if (!alike) rows.push(remark(name, words.looksDifferent));
  };
  add(words.subject, theirs.subject, mine.subject);
  add(words.preheader, theirs.preheader, mine.preheader);
  add(words.theme, spokenTheme(theirs.theme), spokenTheme(mine.theme));
  const kind = theirs.mode === mine.mode ? mine.mode : null;
  if (kind === "blocks") blocks(theirs.blocks, mine.blocks, kinds, add, words);
  else add(words.letter, whole(theirs, kinds), whole(mine, kinds));
  if (!rows.length) rows.push(remark("", words.nothingDiffers));
  return rows;
}

function blocks(theirs, mine, kinds, add, words) {
  const here = new Map(mine.map((block) => [block.id, block]));
  const there = new Map(theirs.map((block) => [block.id, block]));
  for (const block of theirs) {
    const other = here.get(block.id);
    add(kinds[block.type], readableBlock(block), other ? readableBlock(other) : "", !other || same(block, other));
  }
  for (const block of mine) if (!there.has(block.id)) add(kinds[block.type], "", readableBlock(block));
  const both = (list, other) => list.filter((block) => other.has(block.id)).map((block) => block.id).join();
  const spoken = (list) => list.map((block) => kinds[block.type]).join(", ");
  if (both(theirs, here) !== both(mine, there)) add(words.order, spoken(theirs), `${spoken(mine)} `);
}

// The server sorts the names of fields, a page does not.
const sorted = (value) =>
  value && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
    : value;
const same = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

const spokenTheme = (theme) => (theme ? [theme.colour, theme.font].filter(Boolean).join(" · ") : "");

function whole(document, kinds) {
  if (document.mode !== "blocks") return document[document.mode] ?? "";
  return document.blocks.map((block) => `${kinds[block.type]}: ${readableBlock(block)}`).join("\n\n");
}

/** The words of a block, one field a line, in an order of reading. */
export function readableBlock(block) {
  const lines = [];
  const walk = (value) => {
    if (typeof value === "string" && value) lines.push(asText(value));
    else if (value && typeof value === "object") for (const [, each] of inOrder(value)) walk(each);
  };
  const { id, type, items, tone, align, country, ...rest } = block;
  walk(rest);
  return lines.filter(Boolean).join("\n") || " ";
}

const FIRST = ["title", "text", "question", "sponsor", "name", "html", "source", "price", "before", "until", "label"];
const rank = (name) => (FIRST.indexOf(name) + 1 || FIRST.length + 1);
const inOrder = (value) => Object.entries(value).sort(([one], [other]) => rank(one) - rank(other) || (one < other ? -1 : 1));

function asText(html) {
  if (!/<\w/.test(html)) return html;
  const { body } = new DOMParser().parseFromString(html.replace(/<(?:br|\/p|\/li)>/g, "$&\n"), "text/html");
  return body.textContent.trim();
}

function row(name, theirs, mine, words) {
  const item = document.createElement("li");
  const title = Object.assign(document.createElement("h3"), { textContent: name });
  const sides = document.createElement("div");
  sides.className = "sides";
  const [one, other] = marked(theirs, mine);
  sides.append(side(words.storedNow, one, theirs), side(words.yours, other, mine));
  item.append(title, sides);
  return item;
}

function remark(name, sentence) {
  const item = document.createElement("li");
  if (name) item.append(Object.assign(document.createElement("h3"), { textContent: name }));
  item.append(sentence);
  return item;
}

function side(name, parts, text) {
  const place = document.createElement("div");
  place.append(Object.assign(document.createElement("small"), { className: "muted", textContent: name }));
  const words = document.createElement("p");
  words.append(...(text.trim() ? parts : [Object.assign(document.createElement("em"), { textContent: "—" })]));
  place.append(words);
  return place;
}

// Longest common run of words; what is only on one side is marked there.
function marked(one, other) {
  const left = one.split(/(?<=\s)/);
  const right = other.split(/(?<=\s)/);
  if (left.length + right.length > MOST) return [[one], [other]];
  const long = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      long[i][j] = left[i] === right[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
    }
  }
  const sides = [[], []];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      sides[0].push(left[i]);
      sides[1].push(right[j]);
      i += 1;
      j += 1;
    } else if (j >= right.length || (i < left.length && long[i + 1][j] >= long[i][j + 1])) sides[0].push(mark("del", left[i++]));
    else sides[1].push(mark("ins", right[j++]));
  }
  return sides;
}

const mark = (name, words) => Object.assign(document.createElement(name), { textContent: words });
