//! The chunks of a manifest: each proven by its digest before a byte of it is unpacked or read.

use super::{Cover, Manifest, Reconciliation, Refusal, Totals};
use crate::unpack::{Bounds, unpack};

impl<C: Cover> Reconciliation<C> {
    /// Takes a chunk of a manifest as it was sent; `digest` is the SHA-256 of `bytes`. The last one completes the side.
    ///
    /// Chunks come in order; one that was taken before is told again and changes nothing. Which manifest a side is of
    /// is decided by its first chunk.
    ///
    /// # Errors
    /// [`Refusal::Unannounced`], [`Refusal::OutOfOrder`], [`Refusal::Unpack`], [`Refusal::Province`],
    /// [`Refusal::Totals`] and all of [`Reconciliation::take`]; nothing is changed by them.
    pub fn accept(
        &mut self,
        manifest: &Manifest,
        number: u32,
        digest: &[u8; 32],
        bytes: &[u8],
        bounds: Bounds,
    ) -> Result<Totals, Refusal> {
        if (manifest.kind, manifest.period) != (self.terms.kind, self.terms.period) {
            return Err(Refusal::Head);
        }
        let announced = manifest.chunk(number).ok_or(Refusal::Unannounced)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if (announced.digest, announced.bytes) != (*digest, length) {
            return Err(Refusal::Unannounced);
        }
        let side = self.state.side(manifest.party);
        if side
            .manifest
            .as_deref()
            .is_some_and(|id| id != manifest.id.as_str())
        {
            return Err(Refusal::OtherManifest);
        }
        if let Some(chunk) = side.chunk(number) {
            return Ok(chunk.totals());
        }
        if side.numbers().len() + 1 != usize::try_from(number).unwrap_or(usize::MAX) {
            return Err(Refusal::OutOfOrder);
        }
        let plain = unpack(manifest.packing, bytes, bounds)?;
        let (sorted, totals) = self.sort(manifest.party, manifest.form, &plain, manifest.scope)?;
        drop(plain);
        if totals != announced.totals {
            return Err(Refusal::Totals);
        }
        let last = manifest.chunks.len() == usize::try_from(number).unwrap_or(usize::MAX);
        self.store(manifest.party, number, &sorted, totals, |side| {
            side.manifest = Some(manifest.id.as_str().to_owned());
            side.sealed = last;
        })?;
        Ok(totals)
    }
}

#[cfg(test)]
mod tests {
    use schemas::{
        id::{MessageId, Period},
        wire::tax_records::{self as wire, Form, Head, Kind, Party, Record},
    };

    use super::*;
    use crate::{
        country::{Country, Size},
        reconcile::{Agreed, Announced, Folder, ManifestError, Plain, Progress, Scope, Terms},
        unpack::{Packing, UnpackError, pack},
    };

    /// Stands in for SHA-256, which the caller brings.
    fn digest(bytes: &[u8]) -> [u8; 32] {
        let mut digest = [0_u8; 32];
        for (place, byte) in bytes.iter().enumerate() {
            let slot = &mut digest[place % 32];
            *slot = slot.rotate_left(3) ^ byte;
        }
        digest
    }

    struct Scene {
        country: Country,
        dir: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let size = Size {
                employees: 300,
                payees: 400,
                employers: 20,
            };
            Self {
                country: Country::new(size, Period::parse("2026-10").unwrap()).unwrap(),
                dir: tempfile::tempdir().unwrap(),
            }
        }

        fn open(&self) -> Reconciliation<Plain> {
            let terms = Terms {
                us: Party::Si,
                kind: Kind::Person,
                period: self.country.period(),
                rules: self.country.rules().clone(),
                disclosed: crate::compare::Disclosed::ALL,
                page_findings: 50,
                checkpoint_every: 100,
                records_max: 10_000,
                runs_max: 8,
            };
            Reconciliation::open(Folder::open(self.dir.path(), Plain).unwrap(), terms).unwrap()
        }

        fn records(&self, party: Party) -> Vec<Record<'_>> {
            (0..self.country.people())
                .flat_map(|nth| self.country.person(party, nth))
                .flatten()
                .map(Record::Person)
                .collect()
        }

        fn chunk(&self, party: Party, records: &[Record<'_>]) -> Vec<u8> {
            let mut out = Vec::new();
            let head = Head {
                party,
                kind: Kind::Person,
                period: self.country.period(),
            };
            wire::open(Form::Ndjson, head, &mut out);
            for record in records {
                wire::write(Form::Ndjson, party, record, &mut out);
            }
            out
        }

        /// A manifest of the tax side in chunks of 100, and the chunks.
        fn sent(&self, packing: Packing) -> (Manifest, Vec<Vec<u8>>) {
            let records = self.records(Party::Tax);
            let (mut all, mut announced, mut chunks) = (Totals::default(), Vec::new(), Vec::new());
            for part in records.chunks(100) {
                let bytes = pack(packing, &self.chunk(Party::Tax, part)).unwrap();
                let mut totals = Totals::default();
                for record in part {
                    totals.add(record);
                    all.add(record);
                }
                announced.push(Announced {
                    digest: digest(&bytes),
                    bytes: bytes.len() as u64,
                    totals,
                });
                chunks.push(bytes);
            }
            let manifest = Manifest {
                id: MessageId::parse("manifest-0001").unwrap(),
                party: Party::Tax,
                kind: Kind::Person,
                period: self.country.period(),
                scope: Scope::COUNTRY,
                form: Form::Ndjson,
                packing,
                chunks: announced,
                totals: all,
            };
            (manifest, chunks)
        }
    }

    fn put(
        reconciliation: &mut Reconciliation<Plain>,
        manifest: &Manifest,
        number: u32,
        bytes: &[u8],
    ) -> Result<Totals, Refusal> {
        reconciliation.accept(manifest, number, &digest(bytes), bytes, Bounds::default())
    }

    fn agreed() -> Agreed {
        Agreed {
            party: Party::Tax,
            scope: Scope::COUNTRY,
            records_max: 10_000,
            running: Period::parse("2026-11").unwrap(),
        }
    }

    #[test]
    fn a_manifest_and_its_chunks_are_joined_however_they_are_packed() {
        let mut pages = Vec::new();
        for (packing, _) in Packing::WORDS {
            let scene = Scene::new();
            let (manifest, chunks) = scene.sent(packing);
            assert_eq!(
                Manifest::parse(&manifest.text(), &agreed()),
                Ok(manifest.clone())
            );
            let mut reconciliation = scene.open();
            for (number, bytes) in (1..).zip(&chunks) {
                put(&mut reconciliation, &manifest, number, bytes).unwrap();
                reconciliation = scene.open();
            }
            let ours = scene.records(Party::Si);
            reconciliation
                .take(Party::Si, 1, Form::Ndjson, &scene.chunk(Party::Si, &ours))
                .unwrap();
            let totals = reconciliation.taken(Party::Si);
            reconciliation.seal(Party::Si, 1, totals).unwrap();
            assert_eq!(reconciliation.join(|_| true).unwrap(), Progress::Done);
            pages.push(reconciliation.page(1).unwrap());
        }
        pages.dedup();
        assert_eq!(pages.len(), 1);
    }

    #[test]
    fn a_chunk_out_of_order_unannounced_or_of_another_manifest_is_refused_and_changes_nothing() {
        let scene = Scene::new();
        let (manifest, chunks) = scene.sent(Packing::Plain);
        let mut reconciliation = scene.open();
        let second = put(&mut reconciliation, &manifest, 2, &chunks[1]);
        assert!(matches!(second, Err(Refusal::OutOfOrder)));
        for (number, bytes) in [(1, &chunks[1]), (0, &chunks[0]), (99, &chunks[0])] {
            let refused = put(&mut reconciliation, &manifest, number, bytes);
            assert!(matches!(refused, Err(Refusal::Unannounced)), "{number}");
        }
        assert_eq!(reconciliation.taken(Party::Tax), Totals::default());
        put(&mut reconciliation, &manifest, 1, &chunks[0]).unwrap();
        let other = Manifest {
            id: MessageId::parse("manifest-0002").unwrap(),
            ..manifest.clone()
        };
        let refused = put(&mut scene.open(), &other, 2, &chunks[1]);
        assert!(matches!(refused, Err(Refusal::OtherManifest)));
        assert_eq!(
            put(&mut scene.open(), &manifest, 1, &chunks[0]).unwrap(),
            manifest.chunks[0].totals
        );
        assert_eq!(scene.open().chunks(Party::Tax), [1]);
    }

    #[test]
    fn a_chunk_with_other_totals_another_province_or_a_bomb_is_refused_and_changes_nothing() {
        let scene = Scene::new();
        let (manifest, chunks) = scene.sent(Packing::Gzip);
        let mut more = manifest.clone();
        more.chunks[0].totals.amount += 1;
        let refused = put(&mut scene.open(), &more, 1, &chunks[0]);
        assert!(matches!(refused, Err(Refusal::Totals)));
        let hanoi = Manifest {
            scope: Scope::of(&[1]),
            ..manifest.clone()
        };
        let refused = put(&mut scene.open(), &hanoi, 1, &chunks[0]);
        assert!(matches!(refused, Err(Refusal::Province)));
        let bounds = Bounds {
            bytes_max: 1_000,
            ..Bounds::default()
        };
        let refused = scene
            .open()
            .accept(&manifest, 1, &digest(&chunks[0]), &chunks[0], bounds);
        assert!(matches!(refused, Err(Refusal::Unpack(UnpackError::Bomb))));
        assert_eq!(scene.open().taken(Party::Tax), Totals::default());
        assert_eq!(std::fs::read_dir(scene.dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_manifest_against_the_agreement_or_itself_is_refused_by_its_reason() {
        let (manifest, _) = Scene::new().sent(Packing::Plain);
        let refused = |agreed: &Agreed| Manifest::parse(&manifest.text(), agreed).unwrap_err();
        let running = Period::parse("2026-10").unwrap();
        assert_eq!(
            refused(&Agreed {
                running,
                ..agreed()
            }),
            ManifestError::Future
        );
        assert_eq!(
            refused(&Agreed {
                party: Party::Si,
                ..agreed()
            }),
            ManifestError::Party
        );
        assert_eq!(
            refused(&Agreed {
                scope: Scope::of(&[1]),
                ..agreed()
            }),
            ManifestError::Province
        );
        assert_eq!(
            refused(&Agreed {
                records_max: 10,
                ..agreed()
            }),
            ManifestError::TooMany
        );
        let text = String::from_utf8(manifest.text()).unwrap();
        for (from, to, error) in [
            ("\"records\":", "\"records\":1", ManifestError::Totals),
            ("2026-10", "1994-12", ManifestError::Value("period")),
            ("\"plain\"", "\"lzma\"", ManifestError::Value("packing")),
            (
                "\"provinces\":[]",
                "\"provinces\":[\"1\"]",
                ManifestError::Value("provinces"),
            ),
            (
                "\"provinces\":[]",
                "\"provinces\":[\"01\",\"01\"]",
                ManifestError::Value("provinces"),
            ),
            (
                "\"sha256\":\"",
                "\"sha256\":\"0",
                ManifestError::Value("chunks"),
            ),
            (
                "{\"manifest\"",
                "{\"colour\":1,\"manifest\"",
                ManifestError::Malformed,
            ),
            (
                "{\"manifest\"",
                "{\"form\":\"xml\",\"manifest\"",
                ManifestError::Malformed,
            ),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(
                Manifest::parse(changed.as_bytes(), &agreed()).unwrap_err(),
                error,
                "{to}"
            );
        }
    }

    #[test]
    fn a_manifest_of_some_provinces_is_written_and_read_back() {
        let (manifest, _) = Scene::new().sent(Packing::Plain);
        let some = Manifest {
            scope: Scope::of(&[1, 79]),
            ..manifest
        };
        assert!(
            String::from_utf8(some.text())
                .unwrap()
                .contains("\"provinces\":[\"01\",\"79\"]")
        );
        assert_eq!(Manifest::parse(&some.text(), &agreed()), Ok(some));
    }
}
