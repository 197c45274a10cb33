// The studio's script. Every screen works without it as full page loads; with
// it, screens move, save and copy by themselves.
//
// htmx 4.0.1, pinned, and not the calmer 2.0.11: what we use of it (poll a
// part, refresh a panel, search a table) is small and tested, attributes do
// not leak into the parts inside, and its own styles are a constructed
// stylesheet, so the strict policy needs no exception. Unlike in version 2,
// answers of 400 and above would be swapped in; layout.html switches that off.
import "htmx.org";
import "./elements/localtime.js";
import "./elements/copy.js";
import "./elements/autosubmit.js";
import "./elements/draft.js";
import "./elements/preview.js";
import "./elements/tabs.js";
import "./elements/passkey.js";
