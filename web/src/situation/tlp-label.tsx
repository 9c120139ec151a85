/** A TLP 2.0 label in its prescribed colours on black; never translated. @see https://www.first.org/tlp */
export function TlpLabel({ tlp }: { tlp: string }) {
  const level = tlp.replace('TLP:', '').split('+')[0]?.toLowerCase()
  return <span className={`tlp ${level}`}>{tlp}</span>
}
