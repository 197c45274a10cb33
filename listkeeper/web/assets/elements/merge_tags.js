// Merge tags: where they stand in a text, what a person calls them, and what
// the tags of other products are called here. The server translates those of
// pasted letters by the same table (rendering/foreign_tags.py); here the
// person is told at once.
export const TAG = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g;
const NAMED = /^\{\{-?\s*([\w.]+)(?:\s*\|\s*default:\s*(?:"([^"]*)"|'([^']*)'))?\s*-?\}\}$/;

const OURS = {
  first: '{{ subscriber.first_name | default: "" }}',
  name: '{{ subscriber.name | default: "" }}',
  city: '{{ subscriber.city | default: "" }}',
  leave: "{{ links.unsubscribe }}",
  view: "{{ links.web_view }}",
  choose: "{{ links.preferences }}",
  subject: "{{ letter.subject }}",
};
// Folded: without case, underscores and dots.
const MEANS = {
  first: "fname firstname vorname fornavn contactfirstname subscriberfirstname prenom",
  name: "name fullname subscribername contactname",
  city: "city contactcity",
  leave: "unsub unsubscribe unsubscribeurl unsubscribelink",
  view: "archive messageurl webversion",
  choose: "updateprofile preferencesurl manageurl",
  subject: "subject mcsubject",
};
const FOREIGN = new RegExp(
  [
    String.raw`\*\|([A-Z][A-Z0-9_:]{1,40})\|\*`, // Mailchimp
    String.raw`%([A-Z][A-Z0-9_]{2,40})%`, // Brevo of old, ActiveCampaign
    String.raw`\{\$([a-z][a-z0-9_]{1,40})\}`, // MailerLite
    String.raw`\{\{\s*\.?((?:contact|Subscriber|Message)\.[A-Za-z_.]{2,40}|UnsubscribeURL|MessageURL|ManageURL)\s*\}\}`,
  ].join("|"),
  "g",
);

function ours(name) {
  const folded = name.replace(/[._:]/g, "").toLowerCase();
  const [kind] = Object.entries(MEANS).find(([, words]) => words.split(" ").includes(folded)) ?? [];
  return kind ? OURS[kind] : null;
}

/** The text with the tags of other products as ours; `told` hears of each, and what became of it (null: nothing). */
export function translated(text, told = () => {}) {
  return text.replace(FOREIGN, (whole, ...groups) => {
    const here = ours(groups.slice(0, 4).find(Boolean));
    told(whole, here);
    return here ?? whole;
  });
}

/** What a tag is: its path and the words for whoever has no such field, or null for anything more than that. */
export function taken(tag) {
  const found = NAMED.exec(tag);
  return found && { path: found[1], fallback: found[2] ?? found[3] ?? null };
}

/** What a person calls a tag: "First name (or “friend”)". `tags` is what the composer offers. */
export function spoken(tag, tags, or) {
  const parts = taken(tag);
  const known = parts && tags.find((each) => taken(each.tag)?.path === parts.path);
  if (!known) return tag.replace(/^\{[{%]-?\s*|\s*-?[}%]\}$/g, "");
  return parts.fallback ? `${known.name} (${or.replace("{word}", parts.fallback)})` : known.name;
}

/** A text with its tags as a person calls them. */
export function readable(text, tags, or) {
  return text.replace(TAG, (tag) => `‹${spoken(tag, tags, or)}›`);
}

/** The tag of an offered one with other words for whoever has no such field. */
export function withFallback(tag, fallback) {
  const { path } = taken(tag);
  const words = fallback.replaceAll('"', "”").replace(/[{}%]/g, "").trim();
  return path.startsWith("subscriber.") ? `{{ ${path} | default: "${words}" }}` : tag;
}
