import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')

const filesUnder = (folder: string, pattern: RegExp): string[] => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter(name => pattern.test(name)).map(name => `${folder}/${name}`)
const sources = ['src', 'cmd'].flatMap(folder => filesUnder(folder, /\.tsx?$/))
/** CONTRIBUTING.md is left out: its table has the words that aren't used. */
const documents = [...filesUnder('docs', /\.md$/), 'README.md', 'CHANGELOG.md']

/** Names in code, for which the table of CONTRIBUTING.md has the field's. */
const ownNames = new RegExp([
  /\b(?:calmLogger|calmWalk|[nN]eighbours(?:In|Init|Deps)|closeSurplus|HandOver|(?:http|web|peer|compose)Faces?|(?:Http|Web|Peer)Face)\b/,
  /\b(?:http|Service|Gateway|Web|Proxy)Front\b|\balone(?:Broadcast|Exchange|Share)\b|\bblindObserver\b|[sS]poilt\b/,
  /\b(?:othersTurn|inNextTurn|nextTurn|standsStill|MendingLevel|BlockSpread|cutDelta|ContestedHolders)\b/,
  /\b(?:(?:Range)?Visit|QuestionStream|Patience|Saying|Gifts|Pin(?:Notes|Slots)|LentPins?|closestHere)\b/,
  /\b(?:\w*[iI]nnards|corkedConnections|FileScout|LandedBlocks|oddTexts?|codeLetter|Sight)\b/
].map(({ source }) => source).join('|'))

/** Of texts: what a reader would have to learn first. */
const ownWords = new RegExp([
  /\b(?:newcomers?|neighbours?|spoil\w*|mend(?:s|ing)?)\b|\bstands? still|\b(?:not|n't) be had\b|\btold apart|\bput together\b/,
  /\binnards\b|\bstandstills?\b|\bodd texts?\b/,
  /\blooks on\b(?! the)|\bsigns? of life\b|\bgiv(?:e|es|en|ing) away\b|\bended? in a fault\b|\bbuilt anew\b|no places for anybody/
].map(({ source }) => source).join('|'), 'i')

const found = (paths: readonly string[], pattern: RegExp): string[] => paths.flatMap(path =>
  readFileSync(join(root, path), 'utf8').split('\n').flatMap((line, at) => {
    const [text] = pattern.exec(line) ?? []
    return text == null ? [] : [`${path}:${at + 1} ${text}`]
  }))

describe('words', () => {
  it('of names are those of CONTRIBUTING.md', () => {
    assert.deepEqual(found(sources, ownNames), [])
  })

  it('of messages, comments and documents are plain', () => {
    assert.ok(documents.length > 40)
    assert.deepEqual(found([...sources, ...documents], ownWords), [])
  })
})
