/** Names that WGSL takes: letters, digits and underscores, none of its own words, and no two alike. */

/** Keywords and reserved words (WGSL, 16.1 and 16.2), and what the text of a shader itself uses. */
const words = `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop
override requires return struct switch true var while
NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await co_return
co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit crate debugger decltype
delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter final finally friend from
fxgroup get goto groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match mediump meta
mod module move mut mutable namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of
operator package packoffset partial pass patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless
register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std subroutine
super target template this thread_local throw trait try type typedef typeid typename typeof union unless unorm unsafe unsized use using
varying virtual volatile wgsl where with writeonly yield
main workgroup invocation select abs max min floor ceil trunc round sqrt bitcast extractBits unpack2x16float atomicAnd atomicOr atomicLoad
workgroupBarrier f32 i32 u32 bool f16 vec4f vec4i vec4u vec3u array atomic numbers Numbers uniform`;

const taken: ReadonlySet<string> = new Set(words.split(/\s+/));

export type Names = (name: string) => string;

/** Gives each name of a shader one in WGSL, the same whenever it is asked. */
export function createNames(helpers: Iterable<string>): Names {
  const given = new Map<string, string>();
  const used = new Set([...taken, ...helpers]);
  return (name) => {
    const known = given.get(name);
    if (known !== undefined) return known;
    const plain = name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)|^_*$|^__+/, "v_");
    let candidate = plain;
    for (let i = 1; used.has(candidate); i++) candidate = `${plain}_${i}`;
    used.add(candidate);
    given.set(name, candidate);
    return candidate;
  };
}
