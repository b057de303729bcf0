import packageJson from '../../package.json' with { type: 'json' }

/** The release of ipfs-cluster whose behaviour this is. */
const equals = '1.1.6'

/** The version that peers, clients and `--version` see. */
export const version = `${equals}+helia.${packageJson.version}`
