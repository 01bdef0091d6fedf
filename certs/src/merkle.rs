//! The hash tree of RFC 6962, section 2.1, over records that are 32 bytes each.
//!
//! It shows that a record was among those that a checkpoint covers without showing the others.

use crate::digest::Sha256;

/// SHA-256: a leaf's content, an inner node or a root.
pub type Hash = [u8; 32];

/// The root over these leaves, in their order; over none the digest of nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::new().finish(),
        [only] => leaf(only),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// What a leaf needs to lead to the root, the nearest first; nothing where there is no such leaf.
pub fn path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, other) = if index < at {
        (path(left, index)?, root(right))
    } else {
        (path(right, index - at)?, root(left))
    };
    path.push(other);
    Some(path)
}

/// The root that a leaf at this place among `size` leads to; nothing where the path does not fit the place.
pub fn root_from(record: &Hash, index: usize, size: usize, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    if size == 1 {
        return path.is_empty().then(|| leaf(record));
    }
    let at = split(size);
    let (last, path) = path.split_last()?;
    Some(if index < at {
        node(&root_from(record, index, at, path)?, last)
    } else {
        node(last, &root_from(record, index - at, size - at, path)?)
    })
}

/// The largest power of two below `size`, which is 2 or more.
const fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

fn leaf(record: &Hash) -> Hash {
    Sha256::new().chain(&[0]).chain(record).finish()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain(&[1]).chain(left).chain(right).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|n| [n; 32]).collect()
    }

    #[test]
    fn every_leaf_of_every_size_leads_to_the_root_at_its_own_place_only() {
        for count in 1..=33 {
            let all = leaves(count);
            let size = all.len();
            for (index, record) in all.iter().enumerate() {
                let way = path(&all, index).unwrap();
                assert_eq!(root_from(record, index, size, &way), Some(root(&all)));
                assert_ne!(root_from(&[99; 32], index, size, &way), Some(root(&all)));
                for other in (0..size).filter(|other| *other != index) {
                    assert_ne!(root_from(record, other, size, &way), Some(root(&all)));
                }
            }
            assert_eq!(path(&all, size), None);
        }
    }

    #[test]
    fn a_path_that_is_too_long_or_too_short_leads_nowhere() {
        let all = leaves(5);
        let way = path(&all, 2).unwrap();
        assert_eq!(root_from(&all[2], 2, 5, &way[1..]), None);
        let longer = [way.as_slice(), &[[0; 32]]].concat();
        assert_ne!(root_from(&all[2], 2, 5, &longer), Some(root(&all)));
        assert_eq!(root_from(&all[2], 5, 5, &way), None);
    }

    #[test]
    fn no_order_and_no_number_of_leaves_share_a_root() {
        let mut seen: Vec<Hash> = (0..20).map(|count| root(&leaves(count))).collect();
        let mut swapped = leaves(9);
        swapped.swap(3, 4);
        seen.push(root(&swapped));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn the_root_of_three_is_the_one_that_rfc_6962_describes() {
        let all = leaves(3);
        let left = node(&leaf(&all[0]), &leaf(&all[1]));
        assert_eq!(root(&all), node(&left, &leaf(&all[2])));
    }
}
