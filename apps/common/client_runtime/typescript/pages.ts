/** Pages of a list as one sequence. */

/** Where a page starts: by `cursor`, by `page` in lists with a count, or by number with `after` and `before`. */
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
 * Every item of a list. Pages are fetched when they are needed. "previous" goes backwards, for example from the newest
 * item.
 *
 *     for await (const user of paginate((page) => usersList({ query: { limit: 100, ...page } }))) …
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
  const parameters = new URLSearchParams(link.slice(link.indexOf("?") + 1));
  const cursor = parameters.get("cursor");
  const query: PageQuery = cursor === null ? {} : { cursor };
  for (const name of ["page", "after", "before"] as const) {
    const value = parameters.get(name);
    if (value !== null) query[name] = Number(value);
  }
  return query;
}
