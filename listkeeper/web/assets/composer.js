// What the composer has beside the studio's script: the letter that saves
// itself, its blocks, rich text and pictures. It is loaded on that page alone.
import "./elements/richtext.js";
import "./elements/upload.js";
import "./elements/letter.js";
