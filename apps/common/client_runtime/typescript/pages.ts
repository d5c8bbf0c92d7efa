/** Lists that come in pages, as one sequence. */

/** Where a page starts. Lists by key have `cursor`, lists with a count `page`, messages `after` and `before`. */
export interface PageQuery {
  cursor?: string;
  page?: number;
  after?: number;
  before?: number;
}

/** One page of a list. */
export interface Page<Item> {
  results: readonly Item[];
  next: string | null;
  previous: string | null;
}

/**
 * All items of a list, page after page, each fetched when it is needed. `direction` "previous" walks back, as one does
 * from the newest messages.
 *
 *     for await (const room of paginate((page) => chatRoomsList({ query: { limit: 100, ...page } }))) …
 */
export async function* paginate<Item>(
  fetchPage: (page: PageQuery) => Promise<{ data: Page<Item> }>,
  direction: "next" | "previous" = "next",
): AsyncGenerator<Item, void, undefined> {
  let query: PageQuery | null = {};
  while (query !== null) {
    const { data }: { data: Page<Item> } = await fetchPage(query);
    yield* direction === "next" ? data.results : [...data.results].reverse();
    query = startOf(data[direction]);
  }
}

function startOf(link: string | null): PageQuery | null {
  if (link === null) return null;
  const given = new URLSearchParams(link.slice(link.indexOf("?") + 1));
  const cursor = given.get("cursor");
  const query: PageQuery = cursor === null ? {} : { cursor };
  for (const name of ["page", "after", "before"] as const) {
    const value = given.get(name);
    if (value !== null) query[name] = Number(value);
  }
  return query;
}
