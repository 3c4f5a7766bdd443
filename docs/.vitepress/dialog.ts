/**
 * The dialog of the search, told to assistive technology as what it is: a dialog with a combobox and its list. VitePress' own says that
 * the whole of it is a button, and that each result is an option with a link inside, which no screen reader can reach.
 */
import type { Plugin } from "vite"

/** In VitePress' component, each once. */
const changes: ReadonlyArray<readonly [its: string, ours: string]> = [
  // Who closes it is where they were before: its focus trap remembers its own input only.
  [
    `onMounted(() => {
\tfocusSearchInput();
});
`,
    `const before = document.activeElement;
onMounted(() => {
\tfocusSearchInput();
});
onBeforeUnmount(() => {
\tsetTimeout(() => before?.focus({ preventScroll: true }));
});
`,
  ],
  [
    `      role="button"
      :aria-owns="results?.length ? 'localsearch-list' : undefined"
      aria-expanded="true"
      aria-haspopup="listbox"
      aria-labelledby="localsearch-label"
`,
    `      role="dialog"
      aria-modal="true"
      :aria-label="translate('button.buttonText')"
`,
  ],
  [
    // Without a type, Enter on it would open the chosen result.
    `class="back-button"
`,
    `class="back-button"
              type="button"
`,
  ],
  // The label that VitePress names has a picture and no word.
  [
    `            aria-labelledby="localsearch-label"
`,
    `            :aria-label="translate('button.buttonText')"
`,
  ],
  [
    `          :aria-labelledby="results?.length ? 'localsearch-label' : undefined"
`,
    `          :aria-label="results?.length ? translate('button.buttonText') : undefined"
`,
  ],
  [
    `            aria-autocomplete="both"
`,
    `            role="combobox"
            aria-haspopup="listbox"
            :aria-expanded="results?.length ? 'true' : 'false'"
            aria-autocomplete="list"
`,
  ],
  [
    `            :key="p.id"
            :id="'localsearch-item-' + index"
            :aria-selected="selectedIndex === index ? 'true' : 'false'"
            role="option"
          >
            <a
`,
    `            :key="p.id"
            role="presentation"
          >
            <a
              :id="'localsearch-item-' + index"
              :aria-selected="selectedIndex === index ? 'true' : 'false'"
              role="option"
              tabindex="-1"
`,
  ],
  // Named by what it shows.
  [
    `              :aria-label="[...p.titles, p.title].join(' > ')"
`,
    "",
  ],
  [`<span class="title-icon">`, `<span class="title-icon" aria-hidden="true">`],
  ...["navigateUp", "navigateDown", "select", "close"].map(
    (key) =>
      [
        `<kbd :aria-label="translate('modal.footer.${key}KeyAriaLabel')">`,
        `<kbd role="img" :aria-label="translate('modal.footer.${key}KeyAriaLabel')">`,
      ] as const,
  ),
]

export const dialog: Plugin = {
  name: "lpo-search-dialog",
  enforce: "pre",
  transform: (code, id) => {
    if (!id.endsWith("/VPLocalSearchBox.vue")) return null
    return changes.reduce((text, [its, ours]) => {
      if (text.split(its).length !== 2)
        throw new Error(
          `VitePress' search dialog has changed; see docs/.vitepress/dialog.ts. It lacks, or repeats:\n${its}`,
        )
      return text.replace(its, () => ours)
    }, code)
  },
}
