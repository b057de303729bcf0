/** Where a reader of links is in a block. `left`: items that are still to come as far as is known; 0 at the end. */
export interface LinkPosition { at: number, left: number }

/** A reader stops after so many links, or after so many items of any kind: what a block without links may cost in one go. */
export interface LinkLimit { links: number, steps: number }
