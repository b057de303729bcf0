/**
 * Characters that show nothing, or change how what is around them shows: a name with U+202E in it reads backwards. The joiners that scripts
 * and emoji need (U+200C, U+200D) aren't among them.
 */
export const unseenCharacters = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu

/** "U+202E". */
export const codePointText = (codePoint: number): string => `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`
