/** The release of ipfs-cluster whose behaviour this is. */
const equals = '1.1.6'

/** As in package.json; a test compares. Not read from there, because a bundle has no package.json beside it. */
const ours = '0.1.0'

/** The version that peers, clients and `--version` see. */
export const version = `${equals}+helia.${ours}`
