/** web: `<live-comments>` and the pages. */
export {};
