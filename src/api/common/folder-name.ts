/** Whether a text may be the name of the folder at the top of an archive. */
export const isFolderName = (text: string): boolean => text !== '' && text !== '.' && text !== '..' && !/[/\\\0]/.test(text)
