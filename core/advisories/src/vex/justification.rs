//! Why a product is not affected, in the words of the three VEX forms.

/// A machine-readable reason for "not affected": OpenVEX 0.2 "Status Justifications", which are the flags of CSAF 2.0
/// (section 3.2.3.5.2), and `impactAnalysisJustification` of CycloneDX 1.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Justification {
    /// The component is not in the product.
    ComponentNotPresent,
    /// The vulnerable code is not in the component.
    CodeNotPresent,
    /// The vulnerable code is never run.
    CodeNotReachable,
    /// It runs, and no attacker can steer it.
    CodeNotControllable,
    /// Something in the product stops it.
    AlreadyMitigated,
    /// It takes a configuration that is not there.
    RequiresConfiguration,
    /// It takes a dependency that is not there.
    RequiresDependency,
    /// It takes an environment that is not there.
    RequiresEnvironment,
    /// A compiler's option stops it.
    ProtectedByCompiler,
    /// It is stopped at run time.
    ProtectedAtRuntime,
    /// It is stopped at the perimeter.
    ProtectedAtPerimeter,
}

use Justification as J;

/// Justification, its word in OpenVEX and CSAF, its word in CycloneDX. The first row with a word is the one it reads as.
const WORDS: &[(J, Option<&str>, Option<&str>)] = &[
    (J::CodeNotPresent, Some("vulnerable_code_not_present"), Some("code_not_present")),
    (J::ComponentNotPresent, Some("component_not_present"), Some("code_not_present")),
    (J::CodeNotReachable, Some("vulnerable_code_not_in_execute_path"), Some("code_not_reachable")),
    (J::CodeNotControllable, Some("vulnerable_code_cannot_be_controlled_by_adversary"), None),
    (J::AlreadyMitigated, Some("inline_mitigations_already_exist"), Some("protected_by_mitigating_control")),
    (J::RequiresConfiguration, None, Some("requires_configuration")),
    (J::RequiresDependency, None, Some("requires_dependency")),
    (J::RequiresEnvironment, None, Some("requires_environment")),
    (J::ProtectedByCompiler, None, Some("protected_by_compiler")),
    (J::ProtectedAtRuntime, None, Some("protected_at_runtime")),
    (J::ProtectedAtPerimeter, None, Some("protected_at_perimeter")),
];

impl Justification {
    /// Reads a word of any of the three forms.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        WORDS.iter().find(|row| row.1 == Some(word) || row.2 == Some(word)).map(|row| row.0)
    }

    /// Its word in OpenVEX and CSAF, which do not have them all.
    #[must_use]
    pub fn openvex(self) -> Option<&'static str> {
        WORDS.iter().find(|row| row.0 == self).and_then(|row| row.1)
    }

    /// Its word in CycloneDX, which does not have them all.
    #[must_use]
    pub fn cyclonedx(self) -> Option<&'static str> {
        WORDS.iter().find(|row| row.0 == self).and_then(|row| row.2)
    }
}
