/** The arguments of a program, for a page: from the query of its address. */
export const argv = ['', '', ...new URLSearchParams(location.search).getAll('argument')];
