import { concat, sha256, utf8 } from '#base'

/**
 * Four words that two people read to each other to be sure that nobody stands between their nodes.
 *
 * Each side first shows the other a commitment to its nonce, so that whoever sits in between must choose before it
 * knows what to match: one try, with a chance of 1 in 2^32. Both keys and both nonces go into the words.
 * @see FEDERATION.md, Joining
 */
export function toWords(
  inviter: { root: Uint8Array; nonce: Uint8Array },
  joiner: { root: Uint8Array; nonce: Uint8Array },
): string {
  const digest = sha256(utf8('noroshi/words/v1\n'), inviter.root, joiner.root, inviter.nonce, joiner.nonce)
  return [...digest.subarray(0, WORDS_SHOWN)].map((byte) => WORDS[byte]).join(' ')
}

/** What the joiner sends before it has seen the inviter's nonce. */
export function toCommitment(root: Uint8Array, nonce: Uint8Array): Uint8Array {
  return sha256(concat(utf8('noroshi/words/commitment/v1\n'), root, nonce))
}

/**
 * Twelve words of a key that is not bound by a commitment: nobody finds a second key with the same ones (2^96 tries).
 * @see docs/wire.md, Charters
 */
export function keyWords(publicKey: Uint8Array): string {
  const digest = sha256(utf8('noroshi/key-words/v1\n'), publicKey)
  return [...digest.subarray(0, KEY_WORDS_SHOWN)].map((byte) => WORDS[byte]).join(' ')
}

const WORDS_SHOWN = 4
const KEY_WORDS_SHOWN = 12

/** 256 short words that are hard to mishear, one for each value of a byte. */
export const WORDS: readonly string[] = `
acorn actor agent album alarm alpha amber anchor angle ankle apple april apron arrow aspen attic
autumn avenue axle bacon badge bagel baker bamboo banana banjo barley barrel basil basket beacon beaver
bench berry birch bishop blanket blossom bonfire border bottle branch bread bridge bronze brush bucket butter
button cabin cactus camel camera canal candle canoe canyon carbon carpet carrot castle cattle cedar cello
chalk chapel cherry chess chimney cider cinema circle citrus clover cobalt cocoa coffee comet copper coral
cotton cougar cradle crane crayon cricket crystal dagger dairy daisy dancer delta denim desert diamond dinner
dolphin donkey dragon drawer eagle easel echo eclipse elbow elder ember engine falcon farmer feather fennel
fiddle finger flame flute forest fossil fountain fresco garden garlic gazelle geyser ginger giraffe glacier globe
gondola granite grape gravel guitar hammer harbor harvest hazel helmet hermit heron hockey honey hornet icicle
igloo indigo island ivory jacket jaguar jasmine jersey jigsaw jungle kettle kitten koala ladder lagoon lantern
laurel lemon lettuce library lilac lizard lobster locket lotus magnet mango maple marble market meadow melon
mirror mitten monkey mosaic mountain mustard nectar needle nickel nutmeg oasis ocean olive onion opera orange
orbit orchid otter oyster paddle palace panda papaya parrot pebble pelican pencil pepper piano pickle pigeon
pillow pirate planet plaza pocket poplar prairie puzzle quartz rabbit radish raven ribbon river robin rocket
saddle saffron salmon sandal sapphire scarf shadow shelter silver spider spruce squash stable statue sunset table
tango temple thunder tiger timber tomato topaz trumpet tulip tundra turtle valley velvet violet walnut willow`
  .trim()
  .split(/\s+/)
