/** English phrases of the menus, loaded with them. Other languages have one catalogue. */

export const menuEnglish = {
  announce: "Screen reader announcements",
  "announce-all": "Every comment",
  "announce-mentions": "Host, moderators and mentions",
  "announce-digest": "A count every 10 seconds",
  "announce-off": "None",
  hearts: "Floating hearts",
  commentingAs: "Commenting as {name}",
  changeName: "Change",
  reply: "Reply",
  copy: "Copy the text",
  message: "Write a message",
  delete: "Delete",
  remove: "Remove",
} as const;

export type MenuKey = keyof typeof menuEnglish;
