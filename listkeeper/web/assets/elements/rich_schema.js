// What rich text may hold, and nothing else: paragraphs, line breaks, lists,
// four kinds of emphasis, links, and merge tags as things that cannot be broken.
import { Mark, Node, nodeInputRule } from "@tiptap/core";
import { Bold } from "@tiptap/extension-bold";
import { Document } from "@tiptap/extension-document";
import { HardBreak } from "@tiptap/extension-hard-break";
import { Italic } from "@tiptap/extension-italic";
import { BulletList, ListItem, ListKeymap, OrderedList } from "@tiptap/extension-list";
import { Paragraph } from "@tiptap/extension-paragraph";
import { Strike } from "@tiptap/extension-strike";
import { Text } from "@tiptap/extension-text";
import { Underline } from "@tiptap/extension-underline";
import { UndoRedo } from "@tiptap/extensions";
import { sound } from "./rich_html.js";

const Link = Mark.create({
  name: "link",
  priority: 1000,
  inclusive: false,
  addAttributes: () => ({ href: { default: null } }),
  parseHTML: () => [{ tag: "a[href]", getAttrs: (link) => (sound(link.getAttribute("href")) ? null : false) }],
  renderHTML: ({ HTMLAttributes }) => ["a", { href: HTMLAttributes.href }, 0],
  addKeyboardShortcuts() {
    return { "Mod-k": () => this.options.ask(this.editor) };
  },
});

// The Tab key leaves the text, in a list too: whoever has no mouse must get on.
const Item = ListItem.extend({
  content: "paragraph (paragraph | bulletList | orderedList)*",
  addKeyboardShortcuts() {
    return {
      Enter: () => this.editor.commands.splitListItem(this.name),
      "Mod-]": () => this.editor.commands.sinkListItem(this.name),
      "Mod-[": () => this.editor.commands.liftListItem(this.name),
    };
  },
});

const MergeTag = Node.create({
  name: "mergeTag",
  group: "inline",
  inline: true,
  atom: true,
  addAttributes: () => ({ tag: { default: "", parseHTML: (element) => element.dataset.tag } }),
  parseHTML: () => [{ tag: "span[data-tag]" }],
  renderHTML: ({ node }) => ["span", { "data-tag": node.attrs.tag }, node.attrs.tag],
  renderText: ({ node }) => node.attrs.tag,
  addInputRules() {
    return [nodeInputRule({ find: /(\{\{[^{}]+\}\})$/, type: this.type, getAttributes: ([, tag]) => ({ tag }) })];
  },
  addNodeView() {
    return ({ node, editor, getPos }) => {
      const pill = document.createElement("span");
      pill.className = "tag";
      pill.dataset.tag = pill.title = node.attrs.tag;
      pill.textContent = this.options.spoken(node.attrs.tag);
      pill.addEventListener("dblclick", () => this.options.ask(editor, getPos(), node.attrs.tag));
      return { dom: pill };
    };
  },
  addKeyboardShortcuts() {
    return {
      Enter: () => {
        const { node, from } = this.editor.state.selection;
        return node?.type === this.type && this.options.ask(this.editor, from, node.attrs.tag);
      },
    };
  },
});

/** The extensions of an editor; `words` are its doings that need the page: speak a tag, ask for a link or a tag. */
export function schema({ spoken, askLink, askTag }) {
  return [
    Document,
    Paragraph,
    Text,
    HardBreak,
    Link.configure({ ask: askLink }),
    Bold,
    Italic,
    Underline,
    Strike,
    BulletList,
    OrderedList,
    Item,
    ListKeymap,
    UndoRedo,
    MergeTag.configure({ spoken, ask: askTag }),
  ];
}
